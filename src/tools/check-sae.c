/* check-sae.c -- the SAE of ndl-check --sae, as both reports describe it. */
#include "check.h"

#include <math.h>

static const char *const kind_name[] = {
    [NDL_SAE_RELU] = "standard", [NDL_SAE_TOPK] = "topk", [NDL_SAE_JUMPRELU] = "jumprelu"};
static const char *const normalize_name[] = {[NDL_SAE_AS_IS] = "none",
                                             [NDL_SAE_CONSTANT_NORM] = "constant_norm_rescale",
                                             [NDL_SAE_LAYER_NORM] = "layer_norm"};

static void threshold_range(const struct ndl_sae *sae, double *least, double *greatest)
{
    *least = HUGE_VAL;
    *greatest = -HUGE_VAL;
    for (size_t k = 0; k < sae->K; k++) {
        *least = fmin(*least, sae->threshold.v[k]);
        *greatest = fmax(*greatest, sae->threshold.v[k]);
    }
}

void print_sae(const struct ndl_sae *sae)
{
    printf("sae                   %s", kind_name[sae->kind]);
    if (sae->kind == NDL_SAE_TOPK)
        printf(", k %zu%s", sae->k,
               sae->rank_by_contribution ? " by code times norm of decoder row" : "");
    if (sae->kind == NDL_SAE_JUMPRELU) {
        double least, greatest;
        threshold_range(sae, &least, &greatest);
        printf(", thresholds %.4g to %.4g", least, greatest);
    }
    printf("; %zu dimensions, normalize_activations %s, b_dec %s before encoding\n", sae->d,
           normalize_name[sae->normalize], sae->subtract_bias ? "subtracted" : "not subtracted");
}

void put_sae(cJSON *json, const struct ndl_sae *sae)
{
    cJSON *object = cJSON_AddObjectToObject(json, "sae");
    cJSON_AddStringToObject(object, "architecture", kind_name[sae->kind]);
    cJSON_AddNumberToObject(object, "d_in", (double)sae->d);
    cJSON_AddStringToObject(object, "normalize_activations", normalize_name[sae->normalize]);
    cJSON_AddBoolToObject(object, "b_dec_subtracted", sae->subtract_bias);
    if (sae->kind == NDL_SAE_TOPK) {
        cJSON_AddNumberToObject(object, "k", (double)sae->k);
        cJSON_AddBoolToObject(object, "ranked_by_decoder_norm", sae->rank_by_contribution);
    }
    if (sae->kind == NDL_SAE_JUMPRELU) {
        double least, greatest;
        threshold_range(sae, &least, &greatest);
        cJSON_AddNumberToObject(object, "threshold_least", least);
        cJSON_AddNumberToObject(object, "threshold_greatest", greatest);
    }
}
