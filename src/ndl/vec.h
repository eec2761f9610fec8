/* vec.h -- short vector loops (for every room of this repository; not installed).
 *
 * The vectors of one sample have 1 to 100 entries: too short for a BLAS call each,
 * and gcc -O2 does not vectorise loops of unknown length.  So four lanes are
 * written out with the vector extension gcc and clang share.  Sums are formed in a
 * fixed order, whatever the hardware. */
#ifndef NDL_VEC_H
#define NDL_VEC_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* On a function whose time these loops are: compiled once more for wider registers, chosen when the
 * program is loaded.  The lanes stay four and products are not fused, so the bits stay the same. */
#if defined __x86_64__ && defined __linux__
#define NDL_WIDE_REGISTERS __attribute__((target_clones("avx2", "default")))
#else
#define NDL_WIDE_REGISTERS
#endif

typedef double ndl_lanes __attribute__((vector_size(32)));

/* x . y */
static inline double ndl_dot(size_t n, const double *x, const double *y)
{
    ndl_lanes s0 = {0}, s1 = {0}, a, b;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        memcpy(&a, x + i, sizeof a);
        memcpy(&b, y + i, sizeof b);
        s0 += a * b;
        memcpy(&a, x + i + 4, sizeof a);
        memcpy(&b, y + i + 4, sizeof b);
        s1 += a * b;
    }
    s0 += s1;
    double s = (s0[0] + s0[2]) + (s0[1] + s0[3]);
    for (; i < n; i++)
        s += x[i] * y[i];
    return s;
}

/* |x|, of a vector whose square does not overflow */
static inline double ndl_norm(size_t n, const double *x)
{
    return sqrt(ndl_dot(n, x, x));
}

/* The same sums from left to right.  Hulls, bounds and drawn trees use these: results and data sets
 * are committed with the last bits that they give. */
static inline double ndl_dot_in_order(size_t n, const double *x, const double *y)
{
    double s = 0;
    for (size_t i = 0; i < n; i++)
        s += x[i] * y[i];
    return s;
}

static inline double ndl_norm_in_order(size_t n, const double *x)
{
    return sqrt(ndl_dot_in_order(n, x, x));
}

/* The largest |x_i|, 0 if there is none; NaN is passed over. */
static inline double ndl_largest(size_t n, const double *x)
{
    double largest = 0;
    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, fabs(x[i]));
    return largest;
}

/* Divides x by its length, unless that is 0; returns the length. */
static inline double ndl_normalise(size_t n, double *x)
{
    double norm = ndl_norm(n, x);
    for (size_t i = 0; norm > 0 && i < n; i++)
        x[i] /= norm;
    return norm;
}

/* The same where a square may overflow: `from` is divided by its largest entry first.  `to`
 * receives the unit vector, zeros for zeros; it may be `from`. */
static inline double ndl_unit(size_t n, const double *from, double *to)
{
    double largest = ndl_largest(n, from);
    for (size_t i = 0; i < n; i++)
        to[i] = largest > 0 ? from[i] / largest : 0;
    double norm = ndl_norm(n, to);
    for (size_t i = 0; largest > 0 && i < n; i++)
        to[i] /= norm;
    return norm * largest;
}

/* y += a x */
static inline void ndl_axpy(size_t n, double a, const double *x, double *y)
{
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        ndl_lanes u, v;
        memcpy(&u, x + i, sizeof u);
        memcpy(&v, y + i, sizeof v);
        v += a * u;
        memcpy(y + i, &v, sizeof v);
    }
    for (; i < n; i++)
        y[i] += a * x[i];
}

/* x loses its component along the unit vector u. */
static inline void ndl_remove_along(size_t n, const double *u, double *x)
{
    ndl_axpy(n, -ndl_dot(n, u, x), u, x);
}

/* The same with the sum from left to right. */
static inline void ndl_remove_along_in_order(size_t n, const double *u, double *x)
{
    ndl_axpy(n, -ndl_dot_in_order(n, u, x), u, x);
}

/* y = from + sum of a[j] x_j over four x; from may be y */
static inline void ndl_add4(size_t n, const double *a, const double *const *x, const double *from,
                            double *y)
{
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        ndl_lanes u0, u1, u2, u3, v;
        memcpy(&u0, x[0] + i, sizeof u0);
        memcpy(&u1, x[1] + i, sizeof u1);
        memcpy(&u2, x[2] + i, sizeof u2);
        memcpy(&u3, x[3] + i, sizeof u3);
        memcpy(&v, from + i, sizeof v);
        v += (a[0] * u0 + a[1] * u1) + (a[2] * u2 + a[3] * u3);
        memcpy(y + i, &v, sizeof v);
    }
    for (; i < n; i++)
        y[i] = from[i] + ((a[0] * x[0][i] + a[1] * x[1][i]) + (a[2] * x[2][i] + a[3] * x[3][i]));
}

/* The largest entry of x, -HUGE_VAL if there is none; NaN is passed over. */
static inline double ndl_max(size_t n, const double *x)
{
    const double low = -__builtin_huge_val();
    ndl_lanes m = {low, low, low, low}, v;
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        memcpy(&v, x + i, sizeof v);
        for (int l = 0; l < 4; l++)
            m[l] = v[l] > m[l] ? v[l] : m[l];
    }
    double even = m[0] > m[2] ? m[0] : m[2], odd = m[1] > m[3] ? m[1] : m[3],
           most = even > odd ? even : odd;
    for (; i < n; i++)
        most = x[i] > most ? x[i] : most;
    return most;
}

/* Whether every entry of x is finite: 0 times anything else is NaN. */
static inline bool ndl_finite(size_t n, const double *x)
{
    ndl_lanes s = {0}, v;
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        memcpy(&v, x + i, sizeof v);
        s += 0 * v;
    }
    double sum = (s[0] + s[2]) + (s[1] + s[3]);
    for (; i < n; i++)
        sum += 0 * x[i];
    return sum == 0;
}

/* (x, y) = (c x + s y, c y - s x) */
static inline void ndl_rotate(size_t n, double c, double s, double *x, double *y)
{
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        ndl_lanes u, v, w;
        memcpy(&u, x + i, sizeof u);
        memcpy(&v, y + i, sizeof v);
        w = c * u + s * v;
        v = c * v - s * u;
        memcpy(x + i, &w, sizeof w);
        memcpy(y + i, &v, sizeof v);
    }
    for (; i < n; i++) {
        double u = x[i];
        x[i] = c * u + s * y[i];
        y[i] = c * y[i] - s * u;
    }
}

#endif
