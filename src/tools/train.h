/* train.h -- the parts of ndl-train: its options, what they mean, and the folder it writes. */
#ifndef TRAIN_H
#define TRAIN_H

#include "sae/sae.h"
#include "files/files.h"
#include "tool.h"

struct train_options {
    struct tool_common common;
    const char *data, *out, *parents, *weights, *init, *encoder, *bias;
    bool resume, shape_given;
    uint64_t checkpoint_every;
    struct sae_options sae;
    size_t prefix_weights; /* how many were given */
    /* what sae points into, freed by train_free */
    size_t *level;
    double *prefix_weight;
    int32_t *parent;
    struct ndl_matrix weight;
};
extern const struct argp train_argp;

/* Reads the files that the options name and completes o->sae for data of d columns. */
enum ndl_status train_read(struct train_options *o, size_t d, struct ndl_error *err);
/* The start: --init, --init-encoder, --init-bias, or random atoms and the mean of the data. */
enum ndl_status train_start(struct sae *sae, const struct train_options *o, size_t d,
                            const double *mean, struct ndl_error *err);
void train_free(struct train_options *o);

/* What was trained and how, as an object to be deleted by the caller; NULL without memory. */
cJSON *train_parameters(const struct sae *sae, const struct train_options *o);
/* The trained SAE in the form that is saved.  BatchTopK becomes a JumpReLU with its threshold, and
 * so does Gated, exactly: z = exp(r) a + b where a + gate > 0 is pi = exp(r) a + b where
 * pi > b - exp(r) gate. */
enum ndl_status train_folder(const struct sae *sae, struct ndl_sae *folder, struct ndl_error *err);

#endif
