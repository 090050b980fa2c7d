/* Threads keep step, see each other's writes, and sleep when nothing is to do. */
#include <string.h>
#include <time.h>

#include "check.h"
#include "pool.h"

enum { STEPS = 2000, MOST = 5 };

typedef struct {
    struct pool *pool;
    int n;
    int at[MOST]; /* plain ints: the barrier must order them */
} race;

static void keep_step(void *arg, int tid) {
    race *r = arg;
    for (int i = 1; i <= STEPS; i++) {
        r->at[tid] = i;
        ds4_pool_barrier(r->pool);
        for (int j = 0; j < r->n; j++)
            CHECK(r->at[j] == i, "thread %d is at %d, thread %d at %d", j, r->at[j], tid, i);
        ds4_pool_barrier(r->pool);
    }
}

static void count(void *arg, int tid) { ((int *)arg)[tid * 32]++; }

static double cpu_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(void) {
    ds4_error err;
    for (int n = 1; n <= MOST; n += 2) {
        race r = {.n = n};
        int runs[MOST * 32] = {0};
        CHECK(ds4_pool_new(n, &r.pool, &err) == DS4_OK, "%s", err.message);
        CHECK(ds4_pool_size(r.pool) == n, "size");
        ds4_pool_run(r.pool, keep_step, &r);
        for (int i = 0; i < 500; i++) ds4_pool_run(r.pool, count, runs);
        for (int j = 0; j < n; j++) CHECK(runs[j * 32] == 500, "thread %d ran %d times", j, runs[j * 32]);
        struct timespec pause = {.tv_nsec = 200000000};
        double before = cpu_seconds();
        nanosleep(&pause, NULL);
        CHECK(cpu_seconds() - before < 0.05, "an idle pool used %f s of 0.2", cpu_seconds() - before);
        ds4_pool_run(r.pool, count, runs); /* from asleep */
        CHECK(runs[(n - 1) * 32] == 501, "woken");
        ds4_pool_free(r.pool);
    }
    ds4_pool_free(NULL);
    return 0;
}
