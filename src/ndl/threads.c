/* threads.c -- a loop shared among threads. */
#include "ndl.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

struct crew {
    size_t n, chunk;
    _Atomic size_t next; /* first item nobody has taken */
    void (*work)(void *context, size_t first, size_t last, int worker);
    void *context;
};

struct worker {
    struct crew *crew;
    int number;
};

static void *run_worker(void *argument)
{
    const struct worker *w = argument;
    struct crew *crew = w->crew;
    for (;;) {
        size_t first = atomic_fetch_add(&crew->next, crew->chunk);
        if (first >= crew->n)
            return NULL;
        size_t last = crew->n - first > crew->chunk ? first + crew->chunk : crew->n;
        crew->work(crew->context, first, last, w->number);
    }
}

enum { MAX_THREADS = 256 };

void ndl_parallel(size_t n, size_t chunk, int threads,
                  void (*work)(void *context, size_t first, size_t last, int worker), void *context)
{
    assert(chunk > 0 && threads >= 1);
    size_t chunks = n / chunk + (n % chunk > 0);
    if (threads > MAX_THREADS)
        threads = MAX_THREADS;
    if ((size_t)threads > chunks)
        threads = chunks > 0 ? (int)chunks : 1;
    struct crew crew = {.n = n, .chunk = chunk, .next = 0, .work = work, .context = context};
    struct worker worker[MAX_THREADS];
    pthread_t thread[MAX_THREADS];
    int started = 0;
    for (int t = 0; t < threads; t++)
        worker[t] = (struct worker){.crew = &crew, .number = t};
    /* The caller is worker 0; if the system refuses a thread, fewer do the same work. */
    for (int t = 1; t < threads; t++) {
        if (pthread_create(&thread[t], NULL, run_worker, &worker[t]) != 0)
            break;
        started = t;
    }
    run_worker(&worker[0]);
    for (int t = 1; t <= started; t++)
        pthread_join(thread[t], NULL);
}
