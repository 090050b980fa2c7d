/* state.h - what a session remembers of each layer. Internal.
 *
 * Three kinds of memory, by how long they matter:
 *
 *  - Compressed rows, one per `ratio` tokens, are never changed once made. They lie
 *    in extents of EXTENT_TOKENS tokens that hold the rows of all layers.
 *  - Window rows, one per token and layer, are read by the next `window` tokens.
 *    They lie in spans of BLOCK_TOKENS tokens, which also keep the projections that
 *    the compressors need at the span's end. With the spans before it, the end of a
 *    span is a point to which the session can be cut back.
 *  - Projections of tokens whose compressed row is not complete, or would not be after
 *    going back a little: a small ring.
 *
 * Extents and spans are counted references, shared by forks. One that is shared is
 * copied before it is written to, so what a session holds never changes under it.
 * How many rows exist follows from the number of tokens, so no counter can
 * contradict it.
 */
#ifndef DS4_STATE_H
#define DS4_STATE_H

#include <stdatomic.h>

#include "model.h"

#define BLOCK_TOKENS DS4_BLOCK /* every ratio divides it */
#define EXTENT_TOKENS 512 /* whole blocks */
#define CARRY_TOKENS 4       /* whose projections the first ratio-4 row of a block needs from before it */
#define BACK_TOKENS DS4_BACK /* a multiple of CARRY_TOKENS */

typedef struct {
    atomic_uint refs;
    uint32_t first;            /* of a span: rows before this one are not there */
    bool ended;                /* of a span: full, and its carried projections are there */
    _Alignas(64) float data[];
} ds4_piece;

/* A compressor's memory. Token p's projections lie in ring row p % ring. A row is made
 * of the last `span` tokens: for ratio 4 it also needs the window before it. The ring
 * holds BACK_TOKENS more, so that a session can go back to each of its last positions. */
typedef struct {
    uint32_t ratio, span, ring;
    uint32_t width, in_width;  /* of a row; of a token's projections, coff * width */
    uint64_t rows_at;          /* in an extent: [EXTENT_TOKENS / ratio][width] */
    uint64_t carry_at;         /* ratio 4, in a span: kv, then gate, each [CARRY_TOKENS][in_width] */
    float *kv, *gate;          /* [ring][in_width]; gate with its position bias added */
} ds4_comp_state;

typedef struct {
    ds4_comp_state comp;       /* ratio != 0 */
    ds4_comp_state index;      /* ratio == 4 on a model whose indexer can bind */
} ds4_layer_state;

struct ds4_session {
    ds4_model *model;
    uint32_t ctx, n_tokens;
    uint32_t put_tokens;       /* tokens whose rows were put; load may build on them */
    int32_t *tokens;
    uint64_t tokens_cap;
    float *logits;             /* [n_vocab] */
    bool has_logits;
    atomic_int cancel;
    uint32_t history;          /* tokens whose window rows there is room for */
    uint32_t held4, held128;   /* the rings hold no token before these */
    ds4_piece **extents, **spans; /* by EXTENT_TOKENS and BLOCK_TOKENS; a span may be NULL: forgotten */
    uint64_t extent_floats, span_floats;
    ds4_layer_state *layers;
};

typedef struct {
    const float *rows;
    size_t n;
} ds4_segment;

/* session_io.c: the checksum at the end of saved bytes */
uint64_t ds4_session_checksum(const void *buf, uint64_t n);
/* session.c: room for n tokens' ids */
bool ds4_session_reserve_tokens(ds4_session *s, uint64_t n);

/* An empty state for s->ctx tokens; false: out of memory. */
bool ds4_state_init(ds4_session *s);
void ds4_state_free(ds4_session *s);
/* Pieces of its own for tokens [from, to). What they hold before `from` stays. */
bool ds4_extents_reserve(ds4_session *s, uint64_t from, uint64_t to);
bool ds4_spans_reserve(ds4_session *s, uint64_t from, uint64_t to);
/* One reference less. */
void ds4_piece_drop(ds4_piece **p);
/* Pieces that hold nothing of the first n tokens are let go. */
void ds4_state_release(ds4_session *s, uint64_t n);
/* Share the pieces of another session of this model and context; `to` has none. */
void ds4_state_share(ds4_session *to, const ds4_session *from);
void ds4_extents_share(ds4_session *to, const ds4_session *from);
/* A shared piece counts for its part. */
uint64_t ds4_state_bytes(const ds4_session *s);
uint64_t ds4_state_most_bytes(const ds4_session *s);
/* Floats that one block's compressed rows take. */
uint64_t ds4_block_floats(const ds4_session *s);

/* Copies everything a chunk overwrites to buf or back; returns its bytes. */
typedef enum { RINGS_MEASURE, RINGS_SAVE, RINGS_RESTORE } ds4_rings_way;
uint64_t ds4_state_rings(ds4_session *s, void *buf, ds4_rings_way way);

static inline ds4_comp_state *ds4_comp_of(const ds4_session *s, uint32_t l, int index) {
    return index ? &s->layers[l].index : &s->layers[l].comp;
}
/* Compressed row `row`; its extent must be there. */
float *ds4_row(const ds4_session *s, const ds4_comp_state *c, uint64_t row);
/* The window row of token p in layer l; its span must be there. */
float *ds4_window_row(const ds4_session *s, uint32_t l, uint64_t p);
/* Rows [0, n) and window rows [from, to) in order, by the pieces they lie in. Returns how many segments. */
size_t ds4_row_segments(const ds4_session *s, const ds4_comp_state *c, uint64_t n, ds4_segment *out);
size_t ds4_window_segments(const ds4_session *s, uint32_t l, uint64_t from, uint64_t to, ds4_segment *out);

/* history.c */
/* Tokens up to n_tokens are evaluated: spans that were completed are points now, and the oldest thin out. */
void ds4_history_grew(ds4_session *s, uint64_t before);
/* The last position <= n to which the session can be cut back. */
uint32_t ds4_history_nearest(const ds4_session *s, uint32_t n);
/* Cut back to such a position. */
void ds4_history_return(ds4_session *s, uint32_t n);

#endif
