/* gsl_errors.c -- GSL's errors as return values; see gsl_errors.h. */
#include "gsl_errors.h"

#include <pthread.h>

#include <gsl/gsl_errno.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int inside; /* how many threads are between the two calls */
static gsl_error_handler_t *before;

void ndl_gsl_errors_returned(void)
{
    pthread_mutex_lock(&lock);
    if (inside++ == 0)
        before = gsl_set_error_handler_off();
    pthread_mutex_unlock(&lock);
}

void ndl_gsl_errors_as_before(void)
{
    pthread_mutex_lock(&lock);
    if (--inside == 0)
        gsl_set_error_handler(before);
    pthread_mutex_unlock(&lock);
}
