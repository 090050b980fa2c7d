/* ahead.c - see ahead.h. */
#include "ahead.h"

#define PANEL_BYTES 8192 /* about what 16 rows of a small model take */

void ds4_ahead_clear(ds4_ahead *a) {
    a->first = a->count = 0;
    a->at = 0;
    a->running = 0;
    for (int i = 0; i < AHEAD_STREAMS; i++)
        a->panel[i] = (const char *)a;
}

void ds4_ahead_push(ds4_ahead *a, const void *data, size_t n) {
    if (n == 0 || a->count == AHEAD_SPANS)
        return;
    a->span[(a->first + a->count++) % AHEAD_SPANS] = (ds4_span){data, n};
}

static const char *move_on(ds4_ahead *a, size_t bytes) {
    while (a->count > 0 && a->at >= a->span[a->first].n) {
        a->at -= a->span[a->first].n;
        a->first = (a->first + 1) % AHEAD_SPANS;
        a->count--;
    }
    const char *p = a->count > 0 ? a->span[a->first].data + a->at : (const char *)a;
    a->at += bytes;
    return p;
}

void ds4_ahead_lead(ds4_ahead *a) {
    for (int i = 0; i < AHEAD_STREAMS; i++)
        a->panel[i] = move_on(a, PANEL_BYTES);
}

void ds4_ahead_step(ds4_ahead *a, size_t bytes, const char *streams[AHEAD_STREAMS]) {
    if (!a) {
        for (int i = 0; i < AHEAD_STREAMS; i++)
            streams[i] = (const char *)streams;
        return;
    }
    size_t part = bytes / AHEAD_STREAMS;
    for (int i = 0; i < AHEAD_STREAMS - 1; i++)
        a->panel[i] = a->panel[i + 1];
    a->panel[AHEAD_STREAMS - 1] = move_on(a, bytes);
    for (int i = 0; i < AHEAD_STREAMS; i++)
        streams[i] = a->panel[i] + (size_t)(AHEAD_STREAMS - 1 - i) * part;
}
