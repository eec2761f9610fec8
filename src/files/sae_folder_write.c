/* sae_folder_write.c -- an SAE as SAELens 6 loads it (SAE.load_from_disk); read back by
 * sae_folder.c. */
#include "files.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

static cJSON *config(const struct ndl_sae *sae, const cJSON *metadata)
{
    static const char *const architecture[] = {"standard", "topk", "jumprelu"};
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "architecture", architecture[sae->kind]);
    cJSON_AddNumberToObject(json, "d_in", (double)sae->d);
    cJSON_AddNumberToObject(json, "d_sae", (double)sae->K);
    cJSON_AddStringToObject(json, "dtype", "float32");
    cJSON_AddStringToObject(json, "device", "cpu");
    cJSON_AddBoolToObject(json, "apply_b_dec_to_input", sae->subtract_bias);
    cJSON_AddStringToObject(json, "normalize_activations", "none");
    cJSON_AddStringToObject(json, "reshape_activations", "none");
    if (sae->kind == NDL_SAE_TOPK) {
        cJSON_AddNumberToObject(json, "k", (double)sae->k);
        cJSON_AddBoolToObject(json, "rescale_acts_by_decoder_norm", sae->rank_by_contribution);
    }
    if (metadata)
        cJSON_AddItemToObject(json, "metadata", cJSON_Duplicate(metadata, true));
    return json;
}

static enum ndl_status write_config(const struct ndl_sae *sae, const cJSON *metadata,
                                    const char *path, struct ndl_error *err)
{
    cJSON *json = config(sae, metadata);
    char *text = cJSON_Print(json);
    cJSON_Delete(json);
    if (!text)
        return ndl_fail(err, NDL_NOMEM, "%s: no memory to write it", path);
    struct ndl_output out;
    enum ndl_status status = ndl_output_open(&out, path, err);
    if (status == NDL_OK) {
        fprintf(out.file, "%s\n", text);
        status = ndl_output_close(&out, err);
    }
    free(text);
    return status;
}

enum ndl_status ndl_sae_write(const struct ndl_sae *sae, const struct cJSON *metadata,
                              const char *config_path, const char *weights_path,
                              struct ndl_error *err)
{
    if (sae->normalize != NDL_SAE_AS_IS)
        return ndl_fail(err, NDL_BADARG, "%s: an SAE that normalises is not written", config_path);
    const struct ndl_tensor tensor[] = {{"W_dec", &sae->W_dec, false},
                                        {"W_enc", &sae->W_enc, false},
                                        {"b_dec", &sae->b_dec, true},
                                        {"b_enc", &sae->b_enc, true},
                                        {"threshold", &sae->threshold, true}};
    size_t count = sae->kind == NDL_SAE_JUMPRELU ? 5 : 4;
    enum ndl_status status = ndl_safetensors_write(tensor, count, weights_path, err);
    return status == NDL_OK ? write_config(sae, metadata, config_path, err) : status;
}
