/* check.h -- what every cmocka test includes: cmocka with the headers it needs, and a
 * comparison of doubles.  (cmocka's assert_float_equal casts to float, and would take
 * 1 and 1 + 1e-9 for equal at 1e-12.) */
#ifndef CHECK_H
#define CHECK_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Fails unless |actual - expected| <= tolerance.  NaN is never close, an infinity only to
 * itself.  The tolerance is absolute; say at the call where it comes from. */
#define check_close(actual, expected, tolerance)                                                   \
    check_close_at(actual, expected, tolerance, #actual, __FILE__, __LINE__)

static inline void check_close_at(double actual, double expected, double tolerance,
                                  const char *what, const char *file, int line)
{
    if (actual == expected || fabs(actual - expected) <= tolerance)
        return;
    print_error("%s is %.17g, not %.17g within %g (off by %g)\n", what, actual, expected, tolerance,
                actual - expected);
    _fail(file, line);
}

#endif
