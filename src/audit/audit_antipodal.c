/* audit_antipodal.c -- pairs of dense features that point in nearly opposite directions. */
#include "audit_parts.h"

#include <stdlib.h>

enum ndl_status ndl_audit_find_antipodal(const struct ndl_audit *a, struct ndl_audit_report *report,
                                         struct ndl_error *err)
{
    size_t room = 0;
    double least = a->options.dense * (double)a->codes.N;
    while (report->dense < report->live &&
           (double)ndl_audit_fires(a, a->order[report->dense]) >= least)
        report->dense++;
    for (size_t j = 0; j < a->K; j++) {
        if (ndl_audit_fires(a, j) == 0 || (double)ndl_audit_fires(a, j) < least)
            continue;
        for (size_t k = j + 1; k < a->K; k++) {
            if (ndl_audit_fires(a, k) == 0 || (double)ndl_audit_fires(a, k) < least)
                continue;
            double h = ndl_audit_cosine(a, j, k);
            if (!(h < a->options.antipodal))
                continue;
            if (report->antipodal == room) {
                room = room ? 2 * room : 64;
                void *more = realloc(report->antipodal_list, room * sizeof *report->antipodal_list);
                if (!more)
                    return ndl_indexed_no_memory(&a->codes, err);
                report->antipodal_list = more;
            }
            report->antipodal_list[report->antipodal++] =
                (struct ndl_audit_antipodal){.j = (uint32_t)j, .k = (uint32_t)k, .cosine = h};
        }
    }
    return NDL_OK;
}
