/* pool.h - worker threads that run one function together. Internal. */
#ifndef DS4_POOL_H
#define DS4_POOL_H

#include <stddef.h>

#include "ds4.h"

struct pool;
typedef void (*ds4_pool_fn)(void *arg, int tid);

/* n threads including the one that calls ds4_pool_run(). */
ds4_status ds4_pool_new(int n, struct pool **out, ds4_error *err);
void ds4_pool_free(struct pool *p);
int ds4_pool_size(const struct pool *p);

/* fn(arg, tid) on every thread, tid 0 on the caller; returns when all are done. */
void ds4_pool_run(struct pool *p, ds4_pool_fn fn, void *arg);
/* From inside fn, by every thread the same number of times. What was written
 * before it is seen after it. */
void ds4_pool_barrier(struct pool *p);

#endif
