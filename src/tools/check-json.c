/* check-json.c -- the report of ndl-check for machines. */
#include "check.h"

#include "pairs.h"

static void put(cJSON *object, const char *key, double number)
{
    cJSON_AddNumberToObject(object, key, number);
}

static void put_features(cJSON *object, const char *key, const struct check *c,
                         bool (*is)(const struct check *, size_t))
{
    cJSON *list = cJSON_AddArrayToObject(object, key);
    for (size_t k = 0; k < c->report.features; k++)
        if (is(c, k))
            cJSON_AddItemToArray(list, cJSON_CreateNumber((double)k));
}

static void put_counts(cJSON *json, const struct check *c)
{
    const struct ndl_audit_report *r = &c->report;
    put(json, "samples", (double)r->samples);
    put(json, "features", (double)r->features);
    put(json, "nonzeros", (double)r->nonzeros);
    cJSON_AddBoolToObject(json, "bias", c->audit.bias);
    put(json, "tolerance", c->audit.tolerance);
    put(json, "near", c->audit.near);
    put(json, "live", (double)r->live);
    put(json, "dead", (double)r->dead);
    put(json, "always_on", (double)r->always_on);
    put(json, "dense", (double)r->dense);
    put(json, "pairs", (double)r->pairs);
    put(json, "pairs_always_on", (double)r->pairs_always_on);
    put(json, "pairs_dead", (double)r->pairs_dead);
    put(json, "violated", (double)r->violated);
    put(json, "violated_always_on", (double)r->violated_always_on);
    put(json, "nearly_hierarchical", (double)r->near);
    put(json, "antipodal", (double)r->antipodal);
    put(json, "exclusive_pairs", (double)r->exclusive_pairs);
    put(json, "exclusive_groups", (double)r->groups);
    put_features(json, "dead_features", c, is_dead);
    put_features(json, "always_on_features", c, is_always_on);
}

static void put_worst(cJSON *json, const struct check *c)
{
    cJSON *list = cJSON_AddArrayToObject(json, "worst");
    for (size_t q = 0; q < c->worst_count && q < c->top; q++) {
        const struct ndl_audit_pair *p = c->worst[q];
        char words[PAIR_WORDS];
        cJSON *object = cJSON_CreateObject();
        cJSON_AddItemToArray(list, object);
        pair_words(&c->report, p, c->audit.bias, words);
        put(object, "j", p->j);
        put(object, "k", p->k);
        cJSON_AddStringToObject(object, "verdict",
                                p->violated ? "violated" : "nearly hierarchical");
        put(object, "cosine", p->cosine);
        put(object, "mean", p->mean);
        put(object, "z_min_off", p->z_min_off);
        put(object, "z_max_off", p->z_max_off);
        put(object, "margin", p->margin);
        put(object, "slope", p->slope);
        put(object, "support", (double)p->support);
        put(object, "j_on", (double)c->report.fires[p->j]);
        put(object, "together", (double)p->together);
        cJSON_AddStringToObject(object, "says", words);
    }
}

static void put_antipodal(cJSON *json, const struct ndl_audit_report *r)
{
    cJSON *list = cJSON_AddArrayToObject(json, "antipodal_pairs");
    for (size_t q = 0; q < r->antipodal; q++) {
        cJSON *object = cJSON_CreateObject();
        cJSON_AddItemToArray(list, object);
        put(object, "j", r->antipodal_list[q].j);
        put(object, "k", r->antipodal_list[q].k);
        put(object, "cosine", r->antipodal_list[q].cosine);
    }
}

static void put_groups(cJSON *json, const struct ndl_audit_report *r)
{
    cJSON *list = cJSON_AddArrayToObject(json, "groups");
    for (size_t g = 0; g < r->groups; g++) {
        cJSON *group = cJSON_CreateArray();
        cJSON_AddItemToArray(list, group);
        for (size_t q = r->group_start[g]; q < r->group_start[g + 1]; q++)
            cJSON_AddItemToArray(group, cJSON_CreateNumber(r->group_member[q]));
    }
}

static void put_hulls(cJSON *json, const struct check *c)
{
    cJSON *list = cJSON_AddArrayToObject(json, "hull");
    for (size_t h = 0; h < c->hulls.count; h++) {
        const struct hull *hull = &c->hulls.list[h];
        const struct ndl_condition *q = &hull->condition;
        cJSON *object = cJSON_CreateObject(), *others = cJSON_CreateArray();
        cJSON_AddItemToArray(list, object);
        put(object, "k", (double)hull->k);
        cJSON_AddBoolToObject(object, "dead", hull->dead);
        cJSON_AddItemToObject(object, "holds",
                              hull->dead ? cJSON_CreateNull() : cJSON_CreateBool(q->holds));
        put(object, "margin", q->margin);
        put(object, "margin_l1", q->margin_l1);
        put(object, "slope", q->slope);
        for (size_t p = 0; p < q->count; p++)
            cJSON_AddItemToArray(others, cJSON_CreateNumber((double)q->J[p]));
        cJSON_AddItemToObject(object, "features", others);
        cJSON_AddItemToObject(object, "a", cJSON_CreateDoubleArray(q->a, (int)q->count));
        put(object, "c", q->c);
    }
}

enum ndl_status print_json(const struct check *c, struct ndl_error *err)
{
    cJSON *json = tool_json_new();
    if (c->sae)
        put_sae(json, &c->weights);
    put_counts(json, c);
    put_worst(json, c);
    put_antipodal(json, &c->report);
    put_groups(json, &c->report);
    put_hulls(json, c);
    enum ndl_status status = tool_json_write(json, NULL, err);
    cJSON_Delete(json);
    return status;
}
