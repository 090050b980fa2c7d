/* model.h - a loaded model: hyper-parameters and weights bound by name. Internal.
 *
 * All shapes come from the file's metadata and every tensor is checked against
 * them before ds4_model_open() returns, so the forward pass trusts them. */
#ifndef DS4_MODEL_H
#define DS4_MODEL_H

#include "ds4.h"
#include "gguf.h"

struct kernels;   /* kernels.h */
struct pool;      /* pool.h */
struct tokenizer; /* tokenizer.h */

typedef struct {
    uint32_t n_layer, n_ctx_train, d, n_vocab;
    uint32_t n_head, head_dim, n_rot;            /* H, D, R */
    uint32_t q_lora, o_lora, n_out_group;
    uint32_t window;                             /* sliding window, the current token included */
    uint32_t idx_head, idx_dim, idx_top_k;
    uint32_t n_expert, n_expert_used, d_expert, n_hash_layer;
    uint32_t n_hc, sinkhorn_iters, mix;          /* mix = 2n + n*n */
    float rms_eps, hc_eps, expert_scale;
    bool expert_norm;
    float rope_base, rope_compress_base, rope_factor, yarn_beta_fast, yarn_beta_slow;
    uint64_t rope_orig_ctx;
} ds4_hparams;

/* One hyper-connection: fn {n*d, rows}, base {rows}, scale {1 or 3}. */
typedef struct {
    const gguf_tensor *fn, *base, *scale;
} ds4_hc;

/* A compressor of width W: ape {coff*W, ratio}, kv and gate {d, coff*W}, norm {W};
 * coff is 2 for ratio 4, otherwise 1. */
typedef struct {
    const gguf_tensor *ape, *kv, *gate, *norm;
} ds4_compressor;

typedef struct {
    uint32_t ratio;            /* 0, or tokens per compressed row */
    float clamp_exp, clamp_shexp;
    ds4_hc hc_attn, hc_ffn;
    const gguf_tensor *attn_norm, *ffn_norm;
    const gguf_tensor *q_a, *q_a_norm, *q_b, *kv, *kv_norm, *sinks, *o_a, *o_b;
    ds4_compressor comp;       /* ratio != 0 */
    const gguf_tensor *idx_q_b, *idx_proj; /* ratio == 4 */
    ds4_compressor idx_comp;   /* ratio == 4 */
    const gguf_tensor *router, *router_bias; /* bias NULL on hash layers */
    const gguf_tensor *tid2eid;              /* hash layers only */
    const gguf_tensor *gate_exps, *up_exps, *down_exps;
    const gguf_tensor *gate_sh, *up_sh, *down_sh;
} ds4_layer;

struct ds4_model {
    gguf *file;
    ds4_hparams hp;
    ds4_layer *layers;
    const gguf_tensor *token_embd, *output_norm, *output;
    ds4_hc hc_head;            /* fn {n*d, n}, base {n}, scale {1} */
    struct tokenizer *tok;     /* NULL if the file has none */
    const struct kernels *k;
    struct pool *pool;
    int32_t kv_mode;           /* resolved */
    void *forward;             /* what forward.c prepares once per model (rope tables, repacked or small widened weights) */
    char name[128];
};

/* model_load.c: fill hp, layers and tensor pointers; name any key or tensor
 * that is missing or contradictory with found and expected value. */
ds4_status ds4_model_bind(ds4_model *m, ds4_error *err);
void ds4_model_unbind(ds4_model *m);

/* forward.c: called by ds4_model_open after binding (kernels, pool, tables). */
ds4_status ds4_forward_init(ds4_model *m, const ds4_model_params *params, ds4_error *err);
void ds4_forward_free(ds4_model *m);

/* tokenizer.c */
ds4_status ds4_tokenizer_new(const gguf *g, uint32_t n_vocab, struct tokenizer **out, ds4_error *err);
void ds4_tokenizer_free(struct tokenizer *t);

/* error.c: printf into err (may be NULL) and return status. */
ds4_status ds4_fail(ds4_error *err, ds4_status status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
