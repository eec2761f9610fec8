/* output.c -- files that are complete or not there at all. */
#include "ndl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum ndl_status ndl_output_open(struct ndl_output *out, const char *path, struct ndl_error *err)
{
    *out = (struct ndl_output){0};
    int length = snprintf(out->temporary, sizeof out->temporary, "%s.XXXXXX", path);
    if (length < 0 || (size_t)length >= sizeof out->temporary)
        return ndl_fail(err, NDL_BADARG, "output name of more than %zu bytes",
                        sizeof out->temporary);
    strcpy(out->path, path);
    int descriptor = mkstemp(out->temporary);
    if (descriptor < 0)
        return ndl_fail(err, NDL_IO, "%s: %s", path, strerror(errno));
    mode_t mask = umask(0);
    umask(mask);
    fchmod(descriptor, 0666 & ~mask); /* mkstemp gives 0600; fopen would give this */
    out->file = fdopen(descriptor, "w");
    if (!out->file) {
        close(descriptor);
        unlink(out->temporary);
        return ndl_fail(err, NDL_NOMEM, "%s: %s", path, strerror(errno));
    }
    return NDL_OK;
}

/* Why an earlier write failed: errno may be somebody else's by now, so the system is asked
 * again. */
static int failed_write(FILE *file)
{
    return write(fileno(file), "", 1) < 0 ? errno : EIO;
}

enum ndl_status ndl_output_close(struct ndl_output *out, struct ndl_error *err)
{
    int reason = ferror(out->file) ? failed_write(out->file) : 0;
    if (fclose(out->file) != 0 && !reason)
        reason = errno;
    out->file = NULL;
    if (!reason && rename(out->temporary, out->path) != 0)
        reason = errno;
    if (reason) {
        unlink(out->temporary);
        return ndl_fail(err, NDL_IO, "%s: cannot write: %s", out->path, strerror(reason));
    }
    return NDL_OK;
}

void ndl_output_abandon(struct ndl_output *out)
{
    if (out->file) {
        fclose(out->file);
        unlink(out->temporary);
        out->file = NULL;
    }
}
