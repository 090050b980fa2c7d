/* pool.c - persistent threads and a barrier.
 *
 * Theory of operation. One run wakes the workers once; inside it they keep step
 * by barriers, each knowing its share of the rows from its number. So there is
 * no queue, no lock per task and one wake-up per evaluated token or chunk.
 *
 * Everything anybody waits for is a change of one of two words: `job` (workers
 * between runs) and `phase` (threads in a barrier; the last to arrive bumps
 * it). A waiter first spins, since in a run the others are a few microseconds
 * away, and after SPIN_NS parks on a condition variable, so an idle engine and a
 * preempted thread cost no CPU. Parking is safe without a lock on the waking
 * side: the sleeper announces itself (`sleepers`) before it looks at the word
 * again under the lock, the waker changes the word before it looks at
 * `sleepers`, both sequentially consistent, so one of them sees the other.
 */
#include "pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "model.h"

#define SPIN_NS 60000
#define LINE 64

typedef struct {
    struct pool *pool;
    pthread_t thread;
    int tid;
} worker;

struct pool {
    _Alignas(LINE) atomic_uint job;
    _Alignas(LINE) atomic_uint phase;
    _Alignas(LINE) atomic_uint arrived;
    _Alignas(LINE) atomic_uint sleepers;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    ds4_pool_fn fn; /* published by job */
    void *arg;
    int quit;
    int n, started;
    worker *workers;
};

static inline void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

static long long now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void park(struct pool *p, atomic_uint *word, unsigned old) {
    pthread_mutex_lock(&p->lock);
    atomic_fetch_add(&p->sleepers, 1);
    while (atomic_load(word) == old)
        pthread_cond_wait(&p->changed, &p->lock);
    atomic_fetch_sub(&p->sleepers, 1);
    pthread_mutex_unlock(&p->lock);
}

static void wait_change(struct pool *p, atomic_uint *word, unsigned old) {
    for (int i = 0; i < 200; i++)
        if (atomic_load_explicit(word, memory_order_acquire) != old)
            return;
    for (long long end = now_ns() + SPIN_NS; now_ns() < end;)
        for (int i = 0; i < 32; i++) {
            if (atomic_load_explicit(word, memory_order_acquire) != old)
                return;
            relax();
        }
    park(p, word, old);
}

static void change(struct pool *p, atomic_uint *word) {
    atomic_fetch_add(word, 1);
    if (atomic_load(&p->sleepers) == 0)
        return;
    pthread_mutex_lock(&p->lock);
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

void ds4_pool_barrier(struct pool *p) {
    if (p->n == 1)
        return;
    unsigned phase = atomic_load_explicit(&p->phase, memory_order_relaxed);
    if (atomic_fetch_add(&p->arrived, 1) + 1 == (unsigned)p->n) {
        atomic_store_explicit(&p->arrived, 0, memory_order_relaxed);
        change(p, &p->phase);
    } else {
        wait_change(p, &p->phase, phase);
    }
}

static void *work(void *arg) {
    worker *w = arg;
    struct pool *p = w->pool;
    for (unsigned seen = 0;; seen++) {
        wait_change(p, &p->job, seen);
        if (p->quit)
            return NULL;
        p->fn(p->arg, w->tid);
        ds4_pool_barrier(p);
    }
}

void ds4_pool_run(struct pool *p, ds4_pool_fn fn, void *arg) {
    p->fn = fn;
    p->arg = arg;
    if (p->n > 1)
        change(p, &p->job);
    fn(arg, 0);
    ds4_pool_barrier(p);
}

void ds4_pool_free(struct pool *p) {
    if (!p)
        return;
    p->quit = 1;
    change(p, &p->job);
    for (int i = 0; i < p->started; i++)
        pthread_join(p->workers[i].thread, NULL);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->changed);
    free(p->workers);
    free(p);
}

ds4_status ds4_pool_new(int n, struct pool **out, ds4_error *err) {
    struct pool *p = NULL;
    if (posix_memalign((void **)&p, LINE, sizeof *p) != 0)
        return ds4_fail(err, DS4_ERR_MEMORY, "out of memory for the thread pool");
    *p = (struct pool){.n = n, .workers = calloc((size_t)n, sizeof(worker))};
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    for (int i = 1; p->workers && i < n; i++) {
        worker *w = &p->workers[i - 1];
        *w = (worker){.pool = p, .tid = i};
        if (pthread_create(&w->thread, NULL, work, w) != 0)
            break;
        p->started++;
    }
    if (!p->workers || p->started != n - 1) {
        int got = p->started + 1;
        ds4_pool_free(p);
        return ds4_fail(err, DS4_ERR_MEMORY, "only %d of %d threads could be started", got, n);
    }
    *out = p;
    return DS4_OK;
}

int ds4_pool_size(const struct pool *p) {
    return p->n;
}
