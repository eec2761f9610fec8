/* checkpoint.c -- the whole state of a training run in a file.
 *
 * First lines of text, "name value", that say which run it is, ended by a line "end"; then, as they
 * lie in memory: step (uint64), two doubles, all parameters, Adam's two moments (doubles), and the
 * samples since each latent was on (uint64).  What is not there follows from the options and the
 * step: schedules, batches, dead latents. */
#include "state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char magic[] = "ndl-sae-checkpoint 1\n";

/* ---------------------------------------------------------- the lines of text */

static void print_numbers(FILE *out, const struct sae_options *o)
{
    const struct {
        const char *name;
        double value;
    } numbers[] = {{"d", (double)o->d},
                   {"latents", (double)o->K},
                   {"batch", (double)o->batch},
                   {"lambda", o->lambda},
                   {"k", o->k},
                   {"shape", o->shape},
                   {"norms", o->norms},
                   {"orthogonality", o->orthogonality},
                   {"all_pairs", o->all_pairs},
                   {"bandwidth", o->bandwidth},
                   {"threshold", o->threshold},
                   {"aux_weight", o->aux_weight},
                   {"aux_k", (double)o->aux_k},
                   {"dead_after", (double)o->dead_after},
                   {"rate", o->rate},
                   {"beta1", o->beta1},
                   {"beta2", o->beta2},
                   {"steps", (double)o->steps},
                   {"warmup", o->warmup},
                   {"decay", o->decay},
                   {"anneal_from", o->anneal_from},
                   {"anneal_to", o->anneal_to},
                   {"keep_lambda", o->keep_lambda},
                   {"seed", (double)o->seed}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        fprintf(out, "%s %.17g\n", numbers[i].name, numbers[i].value);
}

/* The lines for these options, malloc; NULL without memory. */
static char *describe(const struct sae *sae, size_t *length)
{
    const struct sae_options *o = &sae->o;
    char *text = NULL;
    FILE *out = open_memstream(&text, length);
    if (!out)
        return NULL;
    fprintf(out, "%sobjective %s\n", magic, sae->objective->name);
    print_numbers(out, o);
    for (size_t l = 0; l < o->levels; l++)
        fprintf(out, "level %zu %.17g\n", o->level[l], o->prefix_weight ? o->prefix_weight[l] : 1);
    for (size_t k = 0; o->parent && k < o->K; k++)
        fprintf(out, "parent %d\n", (int)o->parent[k]);
    for (size_t k = 0; o->weight && k < o->K; k++)
        fprintf(out, "weight %.17g\n", o->weight[k]);
    fputs("end\n", out);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* ------------------------------------------------------------------- the state */

struct piece {
    void *at;
    size_t bytes;
};

enum { PIECES = 7 };

static void list_pieces(const struct sae *sae, double *threshold, uint64_t *step,
                        struct piece piece[PIECES])
{
    struct sae_state *s = sae->state;
    size_t bytes = s->numbers * sizeof(double);
    piece[0] = (struct piece){step, sizeof *step};
    piece[1] = (struct piece){threshold, sizeof *threshold};
    piece[2] = (struct piece){&s->coefficient, sizeof s->coefficient};
    piece[3] = (struct piece){s->value, bytes};
    piece[4] = (struct piece){s->moment1, bytes};
    piece[5] = (struct piece){s->moment2, bytes};
    piece[6] = (struct piece){s->silent, sae->o.K * sizeof *s->silent};
}

enum ndl_status sae_save(const struct sae *sae, const char *path, struct ndl_error *err)
{
    size_t length;
    char *text = describe(sae, &length);
    if (!text)
        return ndl_fail(err, NDL_NOMEM, "%s: no memory to write a checkpoint", path);
    struct ndl_output out;
    double threshold = sae->batch_threshold;
    uint64_t step = sae->step;
    struct piece piece[PIECES];
    list_pieces(sae, &threshold, &step, piece);
    enum ndl_status status = ndl_output_open(&out, path, err);
    if (status == NDL_OK) {
        fwrite(text, 1, length, out.file);
        for (int i = 0; i < PIECES; i++)
            fwrite(piece[i].at, 1, piece[i].bytes, out.file);
        status = ndl_output_close(&out, err);
    }
    free(text);
    return status;
}

/* Compares the file's lines with ours. */
static enum ndl_status compare(FILE *in, const char *text, const char *path, struct ndl_error *err)
{
    char *line = NULL;
    size_t room = 0;
    enum ndl_status status = NDL_OK;
    bool first = true;
    for (const char *ours = text; status == NDL_OK && *ours; first = false) {
        ssize_t length = getline(&line, &room, in);
        size_t wanted = strcspn(ours, "\n") + 1;
        if (first && (length < 0 || strcmp(line, magic) != 0))
            status = ndl_fail(err, NDL_BADDATA, "%s: not a checkpoint of this program", path);
        else if (length < 0)
            status = ndl_fail(err, NDL_BADDATA, "%s: ends in the middle", path);
        else if ((size_t)length != wanted || memcmp(line, ours, wanted) != 0)
            status = ndl_fail(err, NDL_BADDATA, "%s: is of another run: '%.80s' there, '%.*s' here",
                              path, (line[strcspn(line, "\n")] = 0, line),
                              (int)(wanted - 1 < 80 ? wanted - 1 : 80), ours);
        ours += wanted;
    }
    free(line);
    return status;
}

/* Reads into memory of its own first: a file that is cut off changes nothing. */
static enum ndl_status read_pieces(struct sae *sae, FILE *in, const char *path,
                                   struct ndl_error *err)
{
    double threshold;
    uint64_t step;
    struct piece piece[PIECES];
    list_pieces(sae, &threshold, &step, piece);
    size_t bytes = 0, at = 0;
    for (int i = 0; i < PIECES; i++)
        bytes += piece[i].bytes;
    char *all = malloc(bytes + 1);
    if (!all)
        return ndl_fail(err, NDL_NOMEM, "%s: no memory for a checkpoint of %zu bytes", path, bytes);
    if (fread(all, 1, bytes + 1, in) != bytes) {
        free(all);
        return ndl_fail(err, NDL_BADDATA, "%s: has not %zu bytes of state", path, bytes);
    }
    for (int i = 0; i < PIECES; i++) {
        memcpy(piece[i].at, all + at, piece[i].bytes);
        at += piece[i].bytes;
    }
    free(all);
    sae->batch_threshold = threshold;
    sae->step = step;
    sae->state->cut = 0;
    return NDL_OK;
}

enum ndl_status sae_load(struct sae *sae, const char *path, struct ndl_error *err)
{
    size_t length;
    FILE *in = fopen(path, "rb");
    if (!in)
        return ndl_fail(err, NDL_IO, "%s: %s", path, strerror(errno));
    char *text = describe(sae, &length);
    enum ndl_status status = text ? compare(in, text, path, err)
                                  : ndl_fail(err, NDL_NOMEM, "%s: no memory to read it", path);
    if (status == NDL_OK)
        status = read_pieces(sae, in, path, err);
    free(text);
    fclose(in);
    return status;
}
