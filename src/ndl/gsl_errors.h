/* gsl_errors.h -- GSL's errors as return values (private to the room ndl).
 *
 * GSL aborts at an error unless its handler is switched off, which is a setting of the whole
 * process.  Between these two calls it is off, whatever number of threads are between them; the
 * last to leave puts back the handler that the first has found. */
#ifndef NDL_GSL_ERRORS_H
#define NDL_GSL_ERRORS_H

void ndl_gsl_errors_returned(void);
void ndl_gsl_errors_as_before(void);

#endif
