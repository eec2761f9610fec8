/* tool.c -- what the command line tools share; see tool.h. */
#include "tool.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

extern const char ndl_commit[];

static const char *program_name = "ndl";

/* ---------------------------------------------------------- command line */

enum { KEY_THREADS = 't', KEY_QUIET = 'q', MAX_THREADS = 256 };

static const struct argp_option common_options[] = {
    {"threads", KEY_THREADS, "T", 0,
     "use T threads (default: one per processor), with the same result", 90},
    {"quiet", KEY_QUIET, NULL, 0, "show no progress", 90},
    {0}};

static int processors(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count < 1 ? 1 : count > MAX_THREADS ? MAX_THREADS : count;
}

static error_t parse_common(int key, char *arg, struct argp_state *state)
{
    struct tool_common *common = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        *common = (struct tool_common){.threads = processors()};
        return 0;
    case KEY_THREADS:
        common->threads = (int)tool_count(state, "--threads", arg, 1, MAX_THREADS);
        return 0;
    case KEY_QUIET:
        common->quiet = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp common_argp = {.options = common_options, .parser = parse_common};
const struct argp_child tool_children[] = {{&common_argp, 0, NULL, 0}, {0}};

static void print_version(FILE *stream, struct argp_state *state)
{
    (void)state;
    fprintf(stream, "%s (Sparse Optima) commit %s\n", program_name, ndl_commit);
}

/* A closed pipe (| head) ends the program as silently as it would by default, but in tool_end,
 * when the stage has been cleaned up. */
static volatile sig_atomic_t pipe_closed;

static void note_closed_pipe(int number)
{
    (void)number;
    pipe_closed = 1;
}

void tool_begin(int argc, char **argv, const struct argp *argp, void *options)
{
    const char *slash = strrchr(argv[0], '/');
    program_name = slash ? slash + 1 : argv[0];
    argp_program_version_hook = print_version;
    argp_err_exit_status = TOOL_USAGE;
    signal(SIGXFSZ, SIG_IGN); /* a file size limit is then an error like a full disk */
    argp_parse(argp, argc, argv, 0, NULL, options);
    if (signal(SIGPIPE, note_closed_pipe) == SIG_IGN)
        signal(SIGPIPE, SIG_IGN); /* then it is an error like a full disk */
}

static double parse_number(const struct argp_state *state, const char *option, const char *text,
                           bool zero)
{
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (end == text || *end || !isfinite(value) || (errno && value != 0) || value < 0 ||
        (value <= 0 && !zero))
        argp_error(state, "%s: '%s' is not a number %s 0", option, text, zero ? ">=" : ">");
    return value;
}

double tool_positive(const struct argp_state *state, const char *option, const char *text)
{
    return parse_number(state, option, text, false);
}

double tool_nonnegative(const struct argp_state *state, const char *option, const char *text)
{
    return parse_number(state, option, text, true);
}

size_t tool_count(const struct argp_state *state, const char *option, const char *text,
                  size_t least, size_t most)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno || value < least || value > most)
        argp_error(state, "%s: '%s' is not a whole number from %zu to %zu", option, text, least,
                   most);
    return (size_t)value;
}

void tool_data(const struct argp_state *state, const char **data, const char *arg)
{
    if (*data)
        argp_error(state, "one file of data at a time, not also '%s'", arg);
    *data = arg;
}

/* What was printed has arrived. */
static enum ndl_status flush_output(struct ndl_error *err)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return NDL_OK;
    return ndl_fail(err, NDL_IO, "standard output: %s", errno ? strerror(errno) : "cannot write");
}

int tool_end(enum ndl_status status, struct ndl_error *err)
{
    if ((status == NDL_OK || status == NDL_NOCONV) && flush_output(err) != NDL_OK)
        status = NDL_IO;
    if (status == NDL_OK)
        return EXIT_SUCCESS;
    if (pipe_closed) {
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
    }
    fprintf(stderr, "%s: %s\n", program_name, err->text);
    return status == NDL_NOCONV ? TOOL_SHORT : TOOL_ERROR;
}

/* -------------------------------------------------------------- progress */

double tool_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static bool shows_progress(const struct tool_common *common)
{
    return !common->quiet && isatty(STDERR_FILENO);
}

static double progress_shown = 0; /* when; monotonic time begins long before a tool does */

void tool_progress(const struct tool_common *common, const char *format, ...)
{
    double now = tool_seconds();
    if (now - progress_shown < 0.1 || !shows_progress(common))
        return;
    progress_shown = now;
    va_list args;
    va_start(args, format);
    fputs("\r\033[K", stderr);
    vfprintf(stderr, format, args);
    va_end(args);
    fflush(stderr);
}

void tool_progress_end(const struct tool_common *common)
{
    if (shows_progress(common))
        fputs("\r\033[K", stderr);
    progress_shown = 0;
}

const char *tool_duration(double seconds)
{
    static char text[32];
    if (!(seconds >= 0))
        return "?";
    if (seconds < 100)
        snprintf(text, sizeof text, "%.0f s", seconds);
    else if (seconds < 6000)
        snprintf(text, sizeof text, "%.0f min", seconds / 60);
    else
        snprintf(text, sizeof text, "%.1f h", seconds / 3600);
    return text;
}

/* --------------------------------------------------------------- outputs */

/* DIR/.PID.NAME for DIR/NAME, malloc. */
static char *hidden_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    int directory = slash ? (int)(slash + 1 - path) : 0;
    char *hidden;
    if (asprintf(&hidden, "%.*s.%ld.%s", directory, path, (long)getpid(), path + directory) < 0)
        return NULL;
    return hidden;
}

/* What a signal finds to remove.  It may come at any time, but a stage is only looked at with
 * the lock held. */
static struct tool_stage *open_stage;
static pthread_mutex_t stage_lock = PTHREAD_MUTEX_INITIALIZER;
static sem_t interrupted;
static volatile sig_atomic_t last_signal;

static void note_signal(int number)
{
    last_signal = number;
    sem_post(&interrupted);
}

/* Removes FILE, and FILE with any ending: what is written for it in turn (ndl_output, libzip). */
static void remove_hidden(const char *file)
{
    const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
    char *directory = slash ? strndup(file, (size_t)(slash + 1 - file)) : strdup(".");
    DIR *entries = directory ? opendir(directory) : NULL;
    for (const struct dirent *e; entries && (e = readdir(entries));)
        if (strncmp(e->d_name, name, strlen(name)) == 0)
            unlinkat(dirfd(entries), e->d_name, 0);
    if (entries)
        closedir(entries);
    free(directory);
}

/* A thread, because a signal handler may do next to nothing; a handler, because the threads of
 * OpenBLAS, there before main, do not block the signals, so that sigwait would not get them. */
static void *wait_for_signal(void *unused)
{
    (void)unused;
    while (sem_wait(&interrupted) != 0)
        ;
    pthread_mutex_lock(&stage_lock); /* never given back: nothing is renamed any more */
    if (open_stage) {
        for (size_t f = 0; f < open_stage->count; f++)
            if (open_stage->hidden[f])
                remove_hidden(open_stage->hidden[f]);
        if (open_stage->made)
            rmdir(open_stage->made);
    }
    signal(last_signal, SIG_DFL);
    kill(getpid(), last_signal);
    return NULL;
}

/* Once; without memory for a thread a signal ends the program as usual. */
static void watch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    static bool watching;
    pthread_t thread;
    if (watching || sem_init(&interrupted, 0, 0) != 0 ||
        pthread_create(&thread, NULL, wait_for_signal, NULL) != 0)
        return;
    watching = true;
    pthread_detach(thread);
    for (size_t s = 0; s < sizeof numbers / sizeof *numbers; s++)
        if (signal(numbers[s], note_signal) == SIG_IGN)
            signal(numbers[s], SIG_IGN); /* nohup */
}

static void open_the_stage(struct tool_stage *stage)
{
    watch_signals();
    pthread_mutex_lock(&stage_lock);
    open_stage = stage;
    pthread_mutex_unlock(&stage_lock);
}

enum ndl_status tool_stage_directory(struct tool_stage *stage, const char *path,
                                     struct ndl_error *err)
{
    open_the_stage(stage);
    char *prefix = strdup(path);
    if (!prefix)
        return ndl_fail(err, NDL_NOMEM, "%s: no memory", path);
    for (char *slash = strchr(prefix + (prefix[0] == '/'), '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(prefix, 0777); /* a failure shows at the last one */
        *slash = '/';
    }
    pthread_mutex_lock(&stage_lock);
    int reason = mkdir(prefix, 0777) == 0 ? 0 : errno;
    if (reason == 0)
        stage->made = prefix;
    else
        free(prefix);
    pthread_mutex_unlock(&stage_lock);
    struct stat info;
    if (reason == EEXIST && stat(path, &info) == 0)
        reason = S_ISDIR(info.st_mode) ? 0 : ENOTDIR;
    return reason == 0 ? NDL_OK : ndl_fail(err, NDL_IO, "%s: %s", path, strerror(reason));
}

enum ndl_status tool_stage_add(struct tool_stage *stage, const char *path, const char **hidden,
                               struct ndl_error *err)
{
    open_the_stage(stage);
    size_t n = stage->count;
    if (n == TOOL_STAGE_FILES)
        return ndl_fail(err, NDL_BADARG, "%s: more than %d output files", path, TOOL_STAGE_FILES);
    for (size_t f = 0; f < n; f++)
        if (strcmp(stage->path[f], path) == 0)
            return ndl_fail(err, NDL_BADARG, "%s: two outputs in one file", path);
    struct stat info;
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
        return ndl_fail(err, NDL_IO, "%s: cannot write: %s", path,
                        S_ISDIR(info.st_mode) ? "is a directory" : "not a regular file");
    pthread_mutex_lock(&stage_lock);
    stage->path[n] = strdup(path);
    stage->hidden[n] = hidden_name(path);
    stage->count++;
    pthread_mutex_unlock(&stage_lock);
    if (!stage->path[n] || !stage->hidden[n])
        return ndl_fail(err, NDL_NOMEM, "%s: no memory", path);
    FILE *probe = fopen(stage->hidden[n], "w");
    if (!probe)
        return ndl_fail(err, NDL_IO, "%s: cannot write: %s", path, strerror(errno));
    fclose(probe);
    unlink(stage->hidden[n]);
    *hidden = stage->hidden[n];
    return NDL_OK;
}

enum ndl_status tool_stage_commit(struct tool_stage *stage, struct ndl_error *err)
{
    enum ndl_status status = flush_output(err);
    pthread_mutex_lock(&stage_lock); /* all or nothing: a signal waits */
    for (size_t f = 0; f < stage->count && status == NDL_OK; f++)
        if (rename(stage->hidden[f], stage->path[f]) != 0)
            status = ndl_fail(err, NDL_IO, "%s: cannot write: %s", stage->path[f], strerror(errno));
    pthread_mutex_unlock(&stage_lock);
    return status;
}

/* Puts the name the user knows in place of the hidden one. */
static void unhide(struct ndl_error *err, const char *hidden, const char *path)
{
    const char *found = strstr(err->text, hidden);
    if (found) {
        struct ndl_error new;
        snprintf(new.text, sizeof new.text, "%.*s%s%s", (int)(found - err->text), err->text, path,
                 found + strlen(hidden));
        *err = new;
    }
}

void tool_stage_end(struct tool_stage *stage, struct ndl_error *err)
{
    pthread_mutex_lock(&stage_lock);
    for (size_t f = 0; f < stage->count; f++) {
        if (stage->hidden[f] && stage->path[f])
            unhide(err, stage->hidden[f], stage->path[f]);
        if (stage->hidden[f])
            unlink(stage->hidden[f]);
        free(stage->hidden[f]);
        free(stage->path[f]);
    }
    if (stage->made)
        rmdir(stage->made); /* unless something is in it */
    free(stage->made);
    *stage = (struct tool_stage){0};
    open_stage = NULL;
    pthread_mutex_unlock(&stage_lock);
}

/* ------------------------------------------------------------------ JSON */

enum ndl_status tool_json_write(const cJSON *json, const char *path, struct ndl_error *err)
{
    char *text = json ? cJSON_Print(json) : NULL;
    if (!text)
        return ndl_fail(err, NDL_NOMEM, "no memory for the report");
    enum ndl_status status = NDL_OK;
    if (path) {
        struct ndl_output out;
        status = ndl_output_open(&out, path, err);
        if (status == NDL_OK) {
            fprintf(out.file, "%s\n", text);
            status = ndl_output_close(&out, err);
        }
    } else if (puts(text) == EOF) {
        status = ndl_fail(err, NDL_IO, "standard output: %s", strerror(errno));
    }
    cJSON_free(text);
    return status;
}

cJSON *tool_json_new(void)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "program", program_name);
    cJSON_AddStringToObject(json, "version", ndl_commit);
    return json;
}

/* ----------------------------------------------------------------- input */

/* The atoms are no zeros and, like the bias (may be NULL), as long as the samples. */
static enum ndl_status check_dictionary(const struct ndl_matrix *D, const char *decoder_path,
                                        const struct ndl_matrix *b, const char *bias_path,
                                        size_t data_columns, const char *data_path,
                                        struct ndl_error *err)
{
    if (D->cols != data_columns)
        return ndl_fail(err, NDL_BADDATA, "%s: atoms of %zu entries, but %s has %zu columns%s",
                        decoder_path, D->cols, data_path, data_columns,
                        D->rows == data_columns ? " (is it transposed?)" : "");
    if (b && b->cols != D->cols)
        return ndl_fail(err, NDL_BADDATA, "%s: %zu entries, but %s has atoms of %zu", bias_path,
                        b->cols, decoder_path, D->cols);
    for (size_t k = 0; k < D->rows; k++) {
        const double *atom = ndl_row(D, k);
        bool zero = true;
        for (size_t j = 0; zero && j < D->cols; j++)
            zero = atom[j] == 0;
        if (zero)
            return ndl_fail(err, NDL_BADDATA, "%s: row %zu is zero, which is no atom (rows from 0)",
                            decoder_path, k);
    }
    return NDL_OK;
}

enum ndl_status tool_load_dictionary(struct ndl_matrix *D, const char *decoder_path,
                                     struct ndl_matrix *b, const char *bias_path,
                                     size_t data_columns, const char *data_path,
                                     struct ndl_error *err)
{
    enum ndl_status status = ndl_load_matrix(D, decoder_path, err);
    if (status == NDL_OK && bias_path)
        status = ndl_load_vector(b, bias_path, err);
    if (status == NDL_OK)
        status = check_dictionary(D, decoder_path, bias_path ? b : NULL, bias_path, data_columns,
                                  data_path, err);
    return status;
}

enum ndl_status tool_check_codes(size_t rows, size_t cols, const char *codes_path, size_t N,
                                 const char *data_path, const struct ndl_matrix *D,
                                 const char *decoder_path, struct ndl_error *err)
{
    if (rows == N && cols == D->rows)
        return NDL_OK;
    return ndl_fail(err, NDL_BADDATA,
                    "%s: codes are %zu x %zu, but %s has %zu samples and %s %zu atoms", codes_path,
                    rows, cols, data_path, N, decoder_path, D->rows);
}
