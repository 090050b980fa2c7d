/* ahead.h - which weights a thread reads next. Internal.
 *
 * Decoding is bound by reading weights. A core keeps more of the memory busy when
 * it asks for several places at once, each in order, than when it reads one
 * place after another: prefetchers follow a few streams inside their pages and
 * start anew at each. So a thread keeps a queue of the bytes it will read, in
 * order, across matrices, and while it works on one panel of rows it asks for the
 * last quarter of the next panel, the third quarter of the one after, and so on:
 * four streams, each panel complete when its turn comes.
 *
 * A wrong guess costs time, never correctness.
 */
#ifndef DS4_AHEAD_H
#define DS4_AHEAD_H

#include <stddef.h>

#define AHEAD_STREAMS 4
#define AHEAD_SPANS 256

typedef struct {
    const char *data;
    size_t n;
} ds4_span;

typedef struct {
    ds4_span span[AHEAD_SPANS]; /* a ring */
    unsigned first, count;
    size_t at;                  /* in the first span; beyond the last one if the queue ran dry */
    const char *panel[AHEAD_STREAMS];
    int running;                /* the queue goes on where the last token ended */
} ds4_ahead;

void ds4_ahead_clear(ds4_ahead *a);
void ds4_ahead_push(ds4_ahead *a, const void *data, size_t n);
/* From now on the queue is ahead of the reading by a few panels. */
void ds4_ahead_lead(ds4_ahead *a);
/* The queue moves on by `bytes`, which are about to be read elsewhere; streams[i]
 * is where to prefetch bytes / AHEAD_STREAMS meanwhile. a may be NULL: then the
 * addresses are harmless. */
void ds4_ahead_step(ds4_ahead *a, size_t bytes, const char *streams[AHEAD_STREAMS]);

#endif
