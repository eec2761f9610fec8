/* claim_rows.c -- a claim program whose table has three columns and whose row has as many values
 * as `--data` says, for tests/cli_claims.sh.  (No data are read: the option is borrowed.) */
#include "claims/kit/claim.h"

#include <stdlib.h>

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(argc, argv, "Writes a row.\vExample: claim_rows --data 3");
    const double values[4] = {1, 2, 3, 4};
    claim_table(claim, "curve", "x 1 0 first\ny 1 0 second\nz 1 0 third");
    claim_row(claim, 1, 2, 3);
    claim_row_array(claim, values, (size_t)atoi(claim_data(claim, "")));
    return claim_end(claim);
}
