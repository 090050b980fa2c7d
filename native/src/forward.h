/* forward.h - the parts of the forward pass and what they share. Internal.
 *
 * The maths and their order are those of the published reference; see forward.c
 * for how the work is laid out over threads.
 */
#ifndef DS4_FORWARD_H
#define DS4_FORWARD_H

#include <pthread.h>

#include "matmul.h"
#include "pool.h"
#include "state.h"

#define BATCH_MAX 256 /* tokens in one chunk of prefill */

/* Small tensors as float32: the file's own bytes, or a widened copy. */
typedef struct {
    const float *base, *scale;
} ds4_hc_f32;

typedef struct {
    const float *ape, *norm;
} ds4_comp_f32;

typedef struct {
    ds4_hc_f32 hc_attn, hc_ffn;
    const float *attn_norm, *ffn_norm, *q_a_norm, *kv_norm, *sinks, *router_bias;
    ds4_comp_f32 comp, index;
    bool int_attn, int_qr, int_ffn; /* some matrix takes the int8 form of this input */
} ds4_layer_f32;

/* cos and sin of one token's rotation, one per float of the rotated part; sin
 * carries the sign that x * cos + swap(x) * sin needs. */
typedef struct {
    float *cos, *sin, *neg; /* neg: sin of the inverse rotation */
} ds4_rope;

/* Top-k of one token's visible rows, ascending. */
typedef struct {
    uint32_t *rows;
    uint32_t n;
} ds4_selection;

/* Buffers of one chunk, shared by the threads; each [toks][...]. */
typedef struct {
    void *arena;
    size_t bytes, toks;        /* room */
    float *S;                  /* [n][d] streams */
    float *mix;                /* [mix] hyper-connection projections */
    ds4_hc_weights *hc;        /* per tile of lanes tokens */
    float *x;                  /* [d] block input, normed */
    float *y;                  /* [d] block output */
    float *qr, *kv;            /* [q_lora], [D] */
    float *ckv, *cgate;        /* [coff * D] */
    float *ikv, *igate;        /* [coff * id] */
    float *iq, *iw;            /* [ih * id], [ih] */
    float *stage;              /* [window - 1 + toks][D] rows in order */
    float *q, *o;              /* [H * D] */
    float *low;                /* [og * ol] */
    float *cos[2], *sin[2], *neg[2]; /* [R] for the two rope bases */
    float *probs;              /* [E] */
    uint32_t *expert;          /* [K] ascending */
    float *weight;             /* [K] */
    uint32_t *entry_tok;       /* MoE entries in expert order: token and weight */
    float *entry_weight;
    uint32_t *first;           /* [E + 2] first entry of each expert (E: the shared one) */
    uint32_t *first_tile;      /* [E + 2] */
    float *xe;                 /* [entries][d] inputs in expert order, for float experts */
    float *ye;                 /* [d] one expert's output per token */
    float *gate, *up;          /* [entries][F] */
    ds4_acts ax, aqr, ao, alow, amoe, amid; /* int8 forms of x, qr, o, low, expert inputs, mid */
} ds4_work;

/* One thread's own room. */
typedef struct {
    void *mem;
    ds4_mm_scratch mm;
    ds4_ahead ahead;           /* what this thread reads next in decode */
    float *x, *qr, *kv, *low, *probs, *tmp;  /* one token's copies in decode */
    ds4_q8row qx, qqr, qlow;
    float *mixT;               /* [mix][lanes] */
    ds4_hc_weights hc;
    uint32_t *expert;          /* [K] */
    float *weight;             /* [K] */
    /* these grow with the context */
    float *scores;
    float *index_scores;       /* [compressed rows]; thread 0's is shared in decode */
    uint32_t *sel;             /* [top_k] */
    float *gather;             /* [top_k][D] */
    ds4_segment *segments;     /* of one token's rows */
    uint64_t scores_cap, index_cap, sel_cap, gather_cap, segments_cap;
} ds4_lane_mem;

/* What forward.c keeps per model. */
typedef struct ds4_forward {
    pthread_mutex_t lock;      /* one evaluation at a time */
    ds4_layer_f32 *layers;
    const float *output_norm;
    ds4_hc_f32 hc_head;
    double *freq[2];           /* [R/2]: plain, compressed */
    bool needs_index;
    void *undo;                /* the session's rings before the chunk */
    uint64_t undo_cap;
    float *many_logits;        /* [n][n_vocab] */
    uint64_t many_cap;
    void **owned;              /* widened copies */
    size_t n_owned;
    ds4_work work;
    ds4_lane_mem *lanes;
    int n_lanes;
} ds4_forward;

/* One chunk being evaluated. */
typedef struct {
    ds4_model *m;
    ds4_forward *f;
    ds4_session *s;            /* many: the first of them */
    ds4_session *const *many;  /* a session for each token, or NULL: all tokens follow each other in s */
    const struct kernels *k;
    const int32_t *tok;
    size_t toks;
    uint32_t pos;              /* of the first token */
    float *logits;             /* all_logits: [toks][n_vocab], else [n_vocab] of the last */
    bool all_logits;
    bool stop;                 /* cancelled; set and read by all between the same two barriers */
} ds4_eval;

typedef struct {
    ds4_eval *e;
    const ds4_model *m;
    const ds4_hparams *hp;
    const struct kernels *k;
    ds4_work *w;
    ds4_lane_mem *own;
    int tid, n;
} ds4_lane;

/* Whose token t of the chunk is, and where it stands. */
static inline ds4_session *ds4_session_of(const ds4_eval *e, size_t t) {
    return e->many ? e->many[t] : e->s;
}
static inline uint32_t ds4_pos_of(const ds4_eval *e, size_t t) {
    return e->many ? e->many[t]->n_tokens : e->pos + (uint32_t)t;
}

/* A part of [0, n) in units of `unit` for this thread. */
void ds4_share(const ds4_lane *ln, size_t n, size_t unit, size_t *from, size_t *to);
void ds4_sync(const ds4_lane *ln);

bool ds4_needs_index(const ds4_model *m);

static inline bool ds4_is_int(const gguf_tensor *t) {
    return t->type != GGUF_F32 && t->type != GGUF_F16 && t->type != GGUF_BF16;
}

/* forward.c */
ds4_status ds4_forward_eval(ds4_session *s, const int32_t *tok, size_t toks, float *logits, bool all,
                            ds4_error *err);
/* One token for each of n >= 2 sessions; their logits are filled, nothing else is done to them. */
ds4_status ds4_forward_each(ds4_session *const *s, const int32_t *tok, size_t n, ds4_error *err);
/* forward_token.c and forward_batch.c: every layer of one token, of a chunk. */
void ds4_layers_token(ds4_lane *ln);

void ds4_layers_batch(ds4_lane *ln);
/* forward_many.c: what differs in a chunk of one token each of several sessions */
void ds4_many_store(ds4_lane *ln, uint32_t l);
bool ds4_many_sparse(const ds4_lane *ln, uint32_t l);
void ds4_many_attend(ds4_lane *ln, uint32_t l);
void ds4_many_logits(ds4_lane *ln);

/* forward_ahead.c: what this thread reads in decode, in order */
void ds4_ahead_begin(ds4_lane *ln);
void ds4_ahead_experts(ds4_lane *ln, uint32_t l);
/* This thread's output groups and heads; false: there are more threads than
 * groups and heads are shared out alone. */
bool ds4_my_heads(const ds4_lane *ln, size_t *g0, size_t *g1, size_t *h0, size_t *h1);
/* Whether the router is worth sharing out over the threads. */
bool ds4_router_is_large(const ds4_hparams *hp);

/* forward_mem.c */
bool ds4_work_reserve(ds4_model *m, ds4_forward *f, size_t toks);
bool ds4_lanes_init(ds4_model *m, ds4_forward *f, int n);
bool ds4_lanes_reserve(ds4_model *m, ds4_forward *f, uint64_t n_tokens);
void ds4_forward_mem_free(ds4_forward *f);

/* rms norm: y = x / sqrt(mean(x^2) + eps) * w (w NULL: 1) */
void ds4_rms(const ds4_lane *ln, float *y, const float *x, const float *w, size_t n);

/* hc.c: weights of n <= lanes tokens from their projections and streams */
void ds4_hc_weights_of(ds4_lane *ln, const ds4_hc_f32 *hc, const float *mix, const float *S, size_t n,
                       ds4_hc_weights *out);
/* The head's mix of one token's streams into x. */
void ds4_hc_head(ds4_lane *ln, const float *S, float *x);

/* rope.c: tables of a position for base 0 (plain) or 1 (compressed); those of token t of the chunk */
bool ds4_rope_init(const ds4_hparams *hp, double *freq[2]);
void ds4_rope_at(const ds4_lane *ln, int base, uint32_t pos, float *cos, float *sin, float *neg);
void ds4_rope_fill(const ds4_lane *ln, size_t t);
ds4_rope ds4_rope_of(const ds4_lane *ln, const ds4_layer *L, size_t t);

/* attention.c */
void ds4_kv_finish(const ds4_lane *ln, const float *norm, ds4_rope r, const float *raw, float *out);
void ds4_q_finish(const ds4_lane *ln, ds4_rope r, float *q, size_t heads);
/* Rows in order, in pieces: window rows, oldest first, then compressed ones. */
typedef struct {
    ds4_segment *seg;
    size_t n_win, n;           /* segments of the window; in all */
} ds4_visible;
/* Heads [h0, h1) of one token. */
void ds4_attend_token(ds4_lane *ln, const ds4_layer_f32 *F, const float *q, size_t h0, size_t h1,
                      const ds4_visible *v, ds4_rope r, float *o);
/* Tokens [t0, t1) of a chunk over the staged rows and the compressed rows visible to each. */
void ds4_attend_block(ds4_lane *ln, const ds4_layer *L, const ds4_layer_f32 *F, size_t t0, size_t t1,
                      size_t carry, const ds4_comp_state *comp);
/* Tokens of a chunk that are attended together, and the floats that takes for any number of rows up to comp_rows. */
size_t ds4_attend_together(const ds4_hparams *hp, size_t comp_rows);
size_t ds4_attend_block_size(const ds4_hparams *hp, size_t comp_rows);

/* compressor.c */
void ds4_comp_store(const ds4_lane *ln, ds4_comp_state *c, const float *ape, uint32_t pos, const float *kv,
                    const float *gate);
/* The last projections before the end of a block go to its span: from the chunk, if not NULL, or the ring. */
void ds4_comp_keep(const ds4_comp_state *c, ds4_piece *span, uint32_t end, const float *chunk_kv,
                   const float *chunk_gate, uint32_t chunk_pos);
/* Row w from tokens of the ring, or of the chunk where they lie in it. */
void ds4_comp_row(const ds4_lane *ln, const ds4_session *s, const ds4_comp_state *c, const float *norm, uint32_t w, bool is_index,
                  const float *chunk_kv, const float *chunk_gate, uint32_t chunk_pos);
void ds4_comp_bias(const ds4_comp_state *c, const float *ape, uint32_t pos, size_t toks, float *gate,
                   size_t from, size_t to);
void ds4_comp_carry(ds4_comp_state *c, uint32_t pos, size_t toks, const float *kv, const float *gate);

/* indexer.c */
void ds4_index_query(const ds4_lane *ln, ds4_rope r, float *q, size_t heads);
/* Of rows [from, to), from a multiple of 64: scores[from] is the first. */
void ds4_index_scores(const ds4_lane *ln, const ds4_session *s, const float *q, const float *weights,
                      const ds4_comp_state *index, size_t from, size_t to, float *scores);
size_t ds4_top_k(const float *scores, size_t n, size_t k, uint32_t *out);

/* moe.c */
void ds4_route(const ds4_lane *ln, uint32_t l, int32_t token, float *probs, uint32_t *expert, float *weight);
/* y = experts(x) for this thread's share of y: rows [*from, *to). */
void ds4_moe_token(ds4_lane *ln, const ds4_layer *L, const ds4_acts *x, size_t *from, size_t *to);
/* moe_batch.c */
void ds4_moe_batch(ds4_lane *ln, const ds4_layer *L);

#endif
