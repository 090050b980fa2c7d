/* state.h - what a session remembers of each layer. Internal.
 *
 * Rows grow with use: a window layer keeps a ring of the last `window` rows, a
 * compressing layer also one row per `ratio` tokens and the projections of the
 * tokens whose row is not complete yet. How many rows exist follows from the
 * number of tokens, so no counter can contradict it.
 */
#ifndef DS4_STATE_H
#define DS4_STATE_H

#include <stdatomic.h>

#include "model.h"

/* A compressor's memory. Token p's projections lie in ring row p % ring. For
 * ratio 4 a row also needs the window before it, so the ring holds two. */
typedef struct {
    uint32_t ratio, ring;      /* ring: coff * ratio */
    uint32_t width, in_width;  /* of a row; of a token's projections, coff * width */
    float *rows;               /* [cap][width] */
    uint64_t cap;
    float *kv, *gate;          /* [ring][in_width]; gate with its position bias added */
} ds4_comp_state;

typedef struct {
    float *window;             /* [window][D], token p in row p % window; NULL before use */
    ds4_comp_state comp;       /* ratio != 0 */
    ds4_comp_state index;      /* ratio == 4 on a model whose indexer can bind */
} ds4_layer_state;

struct ds4_session {
    ds4_model *model;
    uint32_t ctx, n_tokens;
    uint32_t window;           /* ring rows: min(window, ctx) */
    int32_t *tokens;
    uint64_t tokens_cap;
    float *logits;             /* [n_vocab], NULL before the first eval */
    atomic_int cancel;
    ds4_layer_state *layers;
};

/* A state for one layer stack with no rows; false: out of memory. */
/* session_io.c: the checksum at the end of saved bytes */
uint64_t ds4_session_checksum(const void *buf, uint64_t n);
/* session.c: room for n tokens' ids */
bool ds4_session_reserve_tokens(ds4_session *s, uint64_t n);

bool ds4_state_init(const ds4_model *m, ds4_layer_state *layers);
void ds4_state_free(const ds4_model *m, ds4_layer_state *layers);
/* Room for the rows of n tokens. Contents stay. */
bool ds4_state_reserve(const ds4_model *m, ds4_layer_state *layers, uint32_t window, uint64_t n);
/* Copies everything a chunk overwrites to buf or back; returns its bytes. */
typedef enum { RINGS_MEASURE, RINGS_SAVE, RINGS_RESTORE } ds4_rings_way;
uint64_t ds4_state_rings(const ds4_model *m, ds4_layer_state *layers, uint32_t window, void *buf, ds4_rings_way way);
uint64_t ds4_state_bytes(const ds4_model *m, const ds4_layer_state *layers, uint32_t window);

#endif
