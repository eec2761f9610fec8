/* codes.c -- residuals, losses and the derivatives of codes, one sample at a time.
 *
 * With r_m the residual of prefix m and w_m its weight, d/dz_k of the reconstruction terms is
 * -2 R_k . d_k, where R_k = sum of w_m r_m over the prefixes that contain k.  Only codes that are
 * on (and, for JumpReLU, near their threshold) need it. */
#include "state.h"

#include <math.h>
#include <string.h>

#include "ndl/vec.h"

struct row {
    const struct sae *sae;
    size_t i;
    double *scratch, *z, *slope, *r; /* 3 K, K, K, 2 d */
};

static const double *atom_of(const struct sae *sae, uint32_t k)
{
    return sae->value[SAE_D] + (size_t)k * sae->o.d;
}

/* r -= sum of z_k d_k over the entries [from, to). */
NDL_WIDE_REGISTERS static void subtract(const struct sae *sae, const struct sae_entries *e,
                                        size_t from, size_t to, double *r)
{
    size_t d = sae->o.d, j = from;
    for (; j + 4 <= to; j += 4) {
        const uint32_t *k = e->atom + j;
        const double *z = e->z + j, minus[] = {-z[0], -z[1], -z[2], -z[3]};
        const double *atom[] = {atom_of(sae, k[0]), atom_of(sae, k[1]), atom_of(sae, k[2]),
                                atom_of(sae, k[3])};
        ndl_add4(d, minus, atom, r, r);
    }
    for (; j < to; j++)
        ndl_axpy(d, -e->z[j], atom_of(sae, e->atom[j]), r);
}

/* Fills residual (R of each group), error and terms of the sample. */
static void reconstruct(const struct row *row)
{
    const struct sae *sae = row->sae;
    struct sae_state *s = sae->state;
    const struct sae_entries *e = &s->main;
    size_t d = sae->o.d, i = row->i, j = e->start[i], end = j + e->n[i], stride = sae->o.batch * d;
    double *r = row->r, *R = s->residual + i * d, square = 0, terms = 0;
    memcpy(r, s->x + i * d, d * sizeof *r);
    for (size_t m = 0; m < s->groups; m++) {
        size_t from = j;
        if (m + 1 == s->groups)
            j = end;
        while (j < end && s->group_of[e->atom[j]] == m)
            j++;
        subtract(sae, e, from, j, r);
        memcpy(R + m * stride, r, d * sizeof *r);
        square = ndl_dot(d, r, r);
        terms += s->prefix[m] * square;
    }
    for (size_t m = s->groups; m-- > 0;) {
        double *here = R + m * stride;
        for (size_t c = 0; c < d; c++)
            here[c] *= s->prefix[m];
        if (m + 1 < s->groups)
            ndl_axpy(d, 1, here + stride, here);
    }
    s->error[i] = square;
    s->terms[i] = terms;
}

/* g = -2 R . d_k of the entries of sample i; R of the entry's group, or one for all. */
NDL_WIDE_REGISTERS static void slopes(const struct sae *sae, struct sae_entries *e, size_t i,
                                      const double *R, size_t stride)
{
    size_t d = sae->o.d;
    for (size_t j = e->start[i]; j < e->start[i] + e->n[i]; j++) {
        uint32_t k = e->atom[j];
        e->g[j] = -2 * ndl_dot(d, R + sae->state->group_of[k] * stride, atom_of(sae, k));
    }
}

/* Adds lambda Omega's derivatives to g. */
static void penalise(const struct row *row, struct sae_entries *e)
{
    const struct sae *sae = row->sae;
    struct sae_state *s = sae->state;
    size_t at = e->start[row->i], n = e->n[row->i];
    bool free_norms = sae->o.norms == SAE_FREE;
    const double *z = e->z + at;
    for (size_t j = 0; free_norms && j < n; j++)
        row->z[j] = z[j] * s->norm[e->atom[at + j]];
    struct sae_sample sample = {n,        e->atom + at, free_norms ? row->z : z, s->shape,
                                sae->o.K, s->weight,    sae->o.parent,           row->scratch};
    if (s->shape_next < s->shape || s->shape_next > s->shape) {
        sample.shape = s->shape_next;
        s->omega_next[row->i] = sae->objective->penalty(&sample, row->slope);
        sample.shape = s->shape;
    }
    s->omega[row->i] = sae->objective->penalty(&sample, row->slope);
    for (size_t j = 0; j < n; j++) {
        double slope = s->lambda * row->slope[j];
        e->g[at + j] += free_norms ? slope * s->norm[e->atom[at + j]] : slope;
        e->extra[at + j] = slope * z[j];
    }
}

/* ------------------------------------------------------- one per activation */

/* Pseudo-derivatives with a rectangle as kernel (Rajamanoharan et al. 2024, 2407.14435, section 4):
 * of a code with respect to its threshold -(theta / eps) and of the number of codes -(1 / eps),
 * where |pi - theta| < eps / 2. */
static void jump(const struct row *row)
{
    const struct sae *sae = row->sae;
    struct sae_state *s = sae->state;
    struct sae_entries *e = &s->main;
    const double *pi = s->pre + row->i * sae->o.K;
    double eps = sae->o.bandwidth, on = 0;
    for (size_t j = e->start[row->i]; j < e->start[row->i] + e->n[row->i]; j++) {
        uint32_t k = e->atom[j];
        double theta = exp(sae->value[SAE_LOG_THETA][k]);
        bool near = fabs(pi[k] - theta) < eps / 2;
        e->extra[j] = near ? -theta * (theta * e->g[j] + s->lambda) / eps : 0;
        on += e->z[j] > 0;
        if (!(e->z[j] > 0))
            e->g[j] = 0;
    }
    s->omega[row->i] = on;
}

/* Gated (Rajamanoharan et al. 2024, 2404.16014, equations 6 to 8): the gate's own codes
 * relu(gate) carry the penalty and reconstruct with a decoder that does not learn from it. */
static void gate(const struct row *row)
{
    const struct sae *sae = row->sae;
    struct sae_state *s = sae->state;
    struct sae_entries *e = &s->main, *side = &s->side;
    size_t d = sae->o.d, i = row->i;
    for (size_t j = e->start[i]; j < e->start[i] + e->n[i]; j++) {
        uint32_t k = e->atom[j];
        e->g[j] *= exp(sae->value[SAE_R_MAG][k]);
        e->extra[j] = e->g[j] * s->pre[i * sae->o.K + k];
    }
    double *q = s->side_left + i * d;
    memcpy(q, s->x + i * d, d * sizeof *q);
    subtract(sae, side, side->start[i], side->start[i] + side->n[i], q);
    s->terms[i] += ndl_dot(d, q, q);
    for (size_t j = side->start[i]; j < side->start[i] + side->n[i]; j++)
        side->g[j] = -2 * ndl_dot(d, q, atom_of(sae, side->atom[j]));
    penalise(row, side);
}

/* AuxK (Gao et al. 2024, 2406.04093, appendix A.2): of the dead latents the aux_k with the largest
 * positive pre-activations reconstruct what the others left over, which is held fixed. */
static void revive(const struct row *row)
{
    const struct sae *sae = row->sae;
    struct sae_state *s = sae->state;
    struct sae_entries *side = &s->side;
    size_t d = sae->o.d, K = sae->o.K, i = row->i, n = 0;
    size_t at = side->start[i] = i * K;
    for (size_t t = 0; t < s->dead_count; t++) {
        uint32_t k = s->dead[t];
        side->atom[at + n] = k;
        side->z[at + n] = s->pre[i * K + k];
        n += s->pre[i * K + k] > 0;
    }
    side->n[i] = n;
    if (n == 0)
        return;
    double no_guess = 0;
    sae_keep_largest(side, i, sae->o.aux_k, &no_guess, row->scratch);
    /* The last group's R is the residual times the last prefix's weight. */
    const double *R = s->residual + (s->groups - 1) * sae->o.batch * d + i * d;
    double *q = s->side_left + i * d, weight = sae->o.aux_weight;
    for (size_t c = 0; c < d; c++)
        q[c] = R[c] / s->prefix[s->groups - 1];
    subtract(sae, side, at, at + side->n[i], q);
    s->terms[i] += weight * ndl_dot(d, q, q);
    for (size_t c = 0; c < d; c++)
        q[c] *= weight;
    for (size_t j = at; j < at + side->n[i]; j++)
        side->g[j] = -2 * ndl_dot(d, q, atom_of(sae, side->atom[j]));
}

void sae_rows(void *context, size_t first, size_t last, int worker)
{
    const struct sae *sae = context;
    struct sae_state *s = sae->state;
    size_t K = sae->o.K, d = sae->o.d;
    double *scratch = sae_scratch(sae, worker);
    struct row row = {sae, 0, scratch, scratch + 3 * K, scratch + 4 * K, scratch + 5 * K};
    for (row.i = first; row.i < last; row.i++) {
        reconstruct(&row);
        slopes(sae, &s->main, row.i, s->residual + row.i * d, sae->o.batch * d);
        if (sae->objective->activation == SAE_JUMPRELU)
            jump(&row);
        else if (sae->objective->activation == SAE_GATED)
            gate(&row);
        else if (sae->objective->penalty)
            penalise(&row, &s->main);
        if (sae_has(sae, SAE_REVIVAL))
            revive(&row);
    }
}
