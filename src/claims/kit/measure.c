/* measure.c -- norms, angles, co-firing and covariances of codes and atoms. */
#include "measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* |u - v| = 2 sin(angle/2) and |u + v| = 2 cos(angle/2); acos(u.v) would lose half of the digits
 * near 0. */
double measure_angle(size_t n, const double *u, const double *v)
{
    double minus = 0, plus = 0;
    for (size_t i = 0; i < n; i++) {
        minus += (u[i] - v[i]) * (u[i] - v[i]);
        plus += (u[i] + v[i]) * (u[i] + v[i]);
    }
    return 2 * atan2(sqrt(minus), sqrt(plus));
}

double measure_column_mean(const struct ndl_matrix *Z, size_t k)
{
    double sum = 0;
    for (size_t i = 0; i < Z->rows; i++)
        sum += ndl_row(Z, i)[k];
    return sum / (double)Z->rows;
}

double measure_cofiring(const struct ndl_matrix *Z, size_t j, size_t k)
{
    size_t both = 0, alone = 0;
    for (size_t i = 0; i < Z->rows; i++) {
        alone += ndl_row(Z, i)[j] > 0;
        both += ndl_row(Z, i)[j] > 0 && ndl_row(Z, i)[k] > 0;
    }
    return (double)both / (double)alone;
}

double measure_least_ratio(const struct ndl_matrix *Z, size_t j, size_t k)
{
    double least = HUGE_VAL;
    for (size_t i = 0; i < Z->rows; i++)
        if (ndl_row(Z, i)[j] > 0)
            least = fmin(least, ndl_row(Z, i)[k] / ndl_row(Z, i)[j]);
    return least;
}

double measure_activity(const struct ndl_model *m, size_t k)
{
    size_t on = 0;
    for (size_t e = 0; e < m->Z.start[m->Z.rows]; e++)
        on += m->Z.atom[e] == k;
    return (double)on / (double)m->Z.rows;
}

size_t measure_live(const struct ndl_model *m, size_t *live)
{
    size_t count = 0;
    for (size_t k = 0; k < m->D.rows; k++)
        if (measure_activity(m, k) > 0)
            live[count++] = k;
    return count;
}

double measure_least_cosine(const struct ndl_model *m)
{
    double least = 1;
    for (size_t j = 0; j < m->D.rows; j++)
        for (size_t k = 0; k < j && measure_activity(m, j) > 0; k++)
            if (measure_activity(m, k) > 0)
                least = fmin(least, ndl_dot(m->D.cols, ndl_row(&m->D, j), ndl_row(&m->D, k)));
    return least;
}

double measure_covariance(const struct ndl_matrix *Z, size_t k, const struct ndl_matrix *R,
                          const double *a, bool centred)
{
    double product = 0, z_mean = 0, r_mean = 0, n = (double)Z->rows;
    for (size_t i = 0; i < Z->rows; i++) {
        double z = ndl_row(Z, i)[k], r = ndl_dot(R->cols, a, ndl_row(R, i));
        product += z * r / n;
        z_mean += z / n;
        r_mean += r / n;
    }
    return centred ? product - z_mean * r_mean : product;
}

double measure_residual(const struct ndl_matrix *X, const struct ndl_model *m, size_t i, double *r)
{
    size_t d = X->cols;
    for (size_t c = 0; c < d; c++)
        r[c] = ndl_row(X, i)[c] - m->b.v[c];
    for (size_t e = m->Z.start[i]; e < m->Z.start[i + 1]; e++)
        ndl_axpy(d, -m->Z.value[e], ndl_row(&m->D, m->Z.atom[e]), r);
    return ndl_norm(d, r);
}

static int by_coordinates(const void *left, const void *right)
{
    const double *p = left, *q = right;
    int first = (p[0] > q[0]) - (p[0] < q[0]);
    return first ? first : (p[1] > q[1]) - (p[1] < q[1]);
}

/* Andrew's monotone chain: the lower half, then the upper one. */
size_t measure_corners(double (*point)[2], size_t n, double (*corner)[2])
{
    size_t count = 0;
    qsort(point, n, sizeof *point, by_coordinates);
    for (int half = 0; half < 2; half++) {
        size_t base = count + 1;
        for (size_t s = 0; s < n; s++) {
            double *q = point[half ? n - 1 - s : s];
            while (count > base &&
                   (corner[count - 1][0] - corner[count - 2][0]) * (q[1] - corner[count - 2][1]) <=
                       (corner[count - 1][1] - corner[count - 2][1]) *
                           (q[0] - corner[count - 2][0]))
                count--;
            memcpy(corner[count++], q, sizeof *corner);
        }
        count--;
    }
    return n == 1 ? 1 : count;
}
