/* model_load.c - binding a file's tensors to the places where the forward pass
 * looks for them.
 *
 * Hyper-parameters first; they give the shape of every tensor. Each tensor must
 * then be there with exactly that shape and a type that suits its use, so the
 * forward pass checks nothing. Tensors it has no use for (a multi-token
 * prediction block, say) are left alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "hparams.h"
#include "model.h"

#define BIT(type) (1ull << (type))
static const uint64_t PLAIN = BIT(GGUF_F32), IDS = BIT(GGUF_I32);
static const uint64_t MATRIX = BIT(GGUF_F32) | BIT(GGUF_F16) | BIT(GGUF_BF16) | BIT(GGUF_Q8_0) |
                               BIT(GGUF_Q4_K) | BIT(GGUF_Q2_K) | BIT(GGUF_IQ2_XXS);

/* Binding stops at the first failure: want() does nothing once st is not DS4_OK. */
typedef struct {
    const gguf *file;
    ds4_error *err;
    ds4_status st;
    uint32_t layer;
    bool in_layer;
} binder;

typedef struct {
    uint64_t ne[3];
} shape;

/* A row alone, a matrix of rows, a stack of matrices: the innermost dimension first, as in the file. */
#define ROW(a) ((shape){{(a), 1, 1}})
#define ROWS(a, b) ((shape){{(a), (b), 1}})
#define STACK(a, b, c) ((shape){{(a), (b), (c)}})

static void describe(char *out, size_t size, const uint64_t *ne, int dims) {
    while (dims > 1 && ne[dims - 1] == 1) dims--;
    size_t n = 0;
    for (int i = 0; i < dims && n < size; i++)
        n += (size_t)snprintf(out + n, size - n, "%s%llu", i ? "x" : "", (unsigned long long)ne[i]);
}

static void type_names(char *out, size_t size, uint64_t types) {
    size_t n = 0;
    for (uint32_t t = 0; t < 64 && n < size; t++)
        if (types & BIT(t))
            n += (size_t)snprintf(out + n, size - n, "%s%s", n ? ", " : "", gguf_type_name(t));
}

static ds4_status check_type(const gguf_tensor *t, uint64_t types, ds4_error *err) {
    char names[96];
    if (t->type < 64 && (types & BIT(t->type))) return DS4_OK;
    type_names(names, sizeof names, types);
    return ds4_fail(err, DS4_ERR_UNSUPPORTED, "tensor %s has type %s (%u), expected %s", t->name,
                    gguf_type_name(t->type), t->type, names);
}

static ds4_status check_shape(const gguf_tensor *t, const shape *s, ds4_error *err) {
    char found[96], expected[64];
    if (memcmp(t->ne, s->ne, sizeof s->ne) == 0 && t->ne[3] == 1) return DS4_OK;
    describe(found, sizeof found, t->ne, 4);
    describe(expected, sizeof expected, s->ne, 3);
    return ds4_fail(err, DS4_ERR_FORMAT, "tensor %s is %s, expected %s", t->name, found, expected);
}

static void want(binder *b, const gguf_tensor **slot, const char *leaf, uint64_t types, shape s) {
    char name[64], expected[64];
    if (b->st != DS4_OK) return;
    if (b->in_layer) snprintf(name, sizeof name, "blk.%u.%s", b->layer, leaf);
    else snprintf(name, sizeof name, "%s", leaf);
    const gguf_tensor *t = gguf_find(b->file, name);
    if (!t) {
        describe(expected, sizeof expected, s.ne, 3);
        b->st = ds4_fail(b->err, DS4_ERR_FORMAT, "tensor %s is missing, expected %s", name, expected);
        return;
    }
    b->st = check_type(t, types, b->err);
    if (b->st == DS4_OK) b->st = check_shape(t, &s, b->err);
    if (b->st == DS4_OK) *slot = t;
}

static void bind_top(binder *b, ds4_model *m) {
    const ds4_hparams *hp = &m->hp;
    want(b, &m->token_embd, "token_embd.weight", MATRIX, ROWS(hp->d, hp->n_vocab));
    want(b, &m->output_norm, "output_norm.weight", PLAIN, ROW(hp->d));
    want(b, &m->output, "output.weight", MATRIX, ROWS(hp->d, hp->n_vocab));
    want(b, &m->hc_head.fn, "output_hc_fn.weight", MATRIX, ROWS((uint64_t)hp->n_hc * hp->d, hp->n_hc));
    want(b, &m->hc_head.base, "output_hc_base.weight", PLAIN, ROW(hp->n_hc));
    want(b, &m->hc_head.scale, "output_hc_scale.weight", PLAIN, ROW(1));
}

static void bind_hyper_connections(binder *b, const ds4_hparams *hp, ds4_layer *l) {
    shape fn = ROWS((uint64_t)hp->n_hc * hp->d, hp->mix);
    want(b, &l->hc_attn.fn, "hc_attn_fn.weight", MATRIX, fn);
    want(b, &l->hc_attn.base, "hc_attn_base.weight", PLAIN, ROW(hp->mix));
    want(b, &l->hc_attn.scale, "hc_attn_scale.weight", PLAIN, ROW(3));
    want(b, &l->hc_ffn.fn, "hc_ffn_fn.weight", MATRIX, fn);
    want(b, &l->hc_ffn.base, "hc_ffn_base.weight", PLAIN, ROW(hp->mix));
    want(b, &l->hc_ffn.scale, "hc_ffn_scale.weight", PLAIN, ROW(3));
}

static void bind_attention(binder *b, const ds4_hparams *hp, ds4_layer *l) {
    uint64_t qd = (uint64_t)hp->n_head * hp->head_dim, low = (uint64_t)hp->n_out_group * hp->o_lora;
    want(b, &l->attn_norm, "attn_norm.weight", PLAIN, ROW(hp->d));
    want(b, &l->q_a, "attn_q_a.weight", MATRIX, ROWS(hp->d, hp->q_lora));
    want(b, &l->q_a_norm, "attn_q_a_norm.weight", PLAIN, ROW(hp->q_lora));
    want(b, &l->q_b, "attn_q_b.weight", MATRIX, ROWS(hp->q_lora, qd));
    want(b, &l->kv, "attn_kv.weight", MATRIX, ROWS(hp->d, hp->head_dim));
    want(b, &l->kv_norm, "attn_kv_a_norm.weight", PLAIN, ROW(hp->head_dim));
    want(b, &l->sinks, "attn_sinks.weight", PLAIN, ROW(hp->n_head));
    want(b, &l->o_a, "attn_output_a.weight", MATRIX, ROWS(qd / hp->n_out_group, low));
    want(b, &l->o_b, "attn_output_b.weight", MATRIX, ROWS(low, hp->d));
}

/* ratio 4 keeps two overlapping halves a row. */
static uint64_t halves(uint32_t ratio) { return ratio == 4 ? 2 : 1; }

static void bind_compressor(binder *b, const ds4_hparams *hp, ds4_layer *l) {
    uint64_t wide = halves(l->ratio) * hp->head_dim;
    want(b, &l->comp.ape, "attn_compressor_ape.weight", MATRIX, ROWS(wide, l->ratio));
    want(b, &l->comp.kv, "attn_compressor_kv.weight", MATRIX, ROWS(hp->d, wide));
    want(b, &l->comp.gate, "attn_compressor_gate.weight", MATRIX, ROWS(hp->d, wide));
    want(b, &l->comp.norm, "attn_compressor_norm.weight", PLAIN, ROW(hp->head_dim));
}

static void bind_indexer(binder *b, const ds4_hparams *hp, ds4_layer *l) {
    uint64_t wide = halves(l->ratio) * hp->idx_dim;
    want(b, &l->idx_q_b, "indexer.attn_q_b.weight", MATRIX,
         ROWS(hp->q_lora, (uint64_t)hp->idx_head * hp->idx_dim));
    want(b, &l->idx_proj, "indexer.proj.weight", MATRIX, ROWS(hp->d, hp->idx_head));
    want(b, &l->idx_comp.ape, "indexer_compressor_ape.weight", MATRIX, ROWS(wide, l->ratio));
    want(b, &l->idx_comp.kv, "indexer_compressor_kv.weight", MATRIX, ROWS(hp->d, wide));
    want(b, &l->idx_comp.gate, "indexer_compressor_gate.weight", MATRIX, ROWS(hp->d, wide));
    want(b, &l->idx_comp.norm, "indexer_compressor_norm.weight", PLAIN, ROW(hp->idx_dim));
}

static void check_expert_ids(binder *b, const gguf_tensor *t, uint32_t n_expert) {
    const int32_t *ids = t->data;
    for (uint64_t i = 0; i < t->ne[0] * t->ne[1]; i++)
        if (ids[i] < 0 || (uint32_t)ids[i] >= n_expert) {
            b->st = ds4_fail(b->err, DS4_ERR_FORMAT,
                             "tensor %s: expert %llu of token %llu is %d, expected 0 to %u", t->name,
                             (unsigned long long)(i % t->ne[0]), (unsigned long long)(i / t->ne[0]), ids[i],
                             n_expert - 1);
            return;
        }
}

static void bind_router(binder *b, const ds4_hparams *hp, ds4_layer *l) {
    want(b, &l->router, "ffn_gate_inp.weight", MATRIX, ROWS(hp->d, hp->n_expert));
    if (b->layer >= hp->n_hash_layer) {
        want(b, &l->router_bias, "exp_probs_b.bias", PLAIN, ROW(hp->n_expert));
        return;
    }
    want(b, &l->tid2eid, "ffn_gate_tid2eid.weight", IDS, ROWS(hp->n_expert_used, hp->n_vocab));
    if (b->st == DS4_OK) check_expert_ids(b, l->tid2eid, hp->n_expert);
}

static void bind_experts(binder *b, const ds4_hparams *hp, ds4_layer *l) {
    want(b, &l->gate_exps, "ffn_gate_exps.weight", MATRIX, STACK(hp->d, hp->d_expert, hp->n_expert));
    want(b, &l->up_exps, "ffn_up_exps.weight", MATRIX, STACK(hp->d, hp->d_expert, hp->n_expert));
    want(b, &l->down_exps, "ffn_down_exps.weight", MATRIX, STACK(hp->d_expert, hp->d, hp->n_expert));
    want(b, &l->gate_sh, "ffn_gate_shexp.weight", MATRIX, ROWS(hp->d, hp->d_expert));
    want(b, &l->up_sh, "ffn_up_shexp.weight", MATRIX, ROWS(hp->d, hp->d_expert));
    want(b, &l->down_sh, "ffn_down_shexp.weight", MATRIX, ROWS(hp->d_expert, hp->d));
    if (b->st != DS4_OK) return;
    const gguf_tensor *pairs[2][2] = {{l->gate_exps, l->up_exps}, {l->gate_sh, l->up_sh}};
    for (int i = 0; i < 2; i++)
        if (pairs[i][0]->type != pairs[i][1]->type)
            b->st = ds4_fail(b->err, DS4_ERR_UNSUPPORTED, "tensor %s has type %s, expected %s as in %s",
                             pairs[i][1]->name, gguf_type_name(pairs[i][1]->type),
                             gguf_type_name(pairs[i][0]->type), pairs[i][0]->name);
}

static void bind_layer(binder *b, const ds4_hparams *hp, ds4_layer *l) {
    bind_hyper_connections(b, hp, l);
    bind_attention(b, hp, l);
    if (l->ratio != 0) bind_compressor(b, hp, l);
    if (l->ratio == 4) bind_indexer(b, hp, l);
    want(b, &l->ffn_norm, "ffn_norm.weight", PLAIN, ROW(hp->d));
    bind_router(b, hp, l);
    bind_experts(b, hp, l);
}

ds4_status ds4_model_bind(ds4_model *m, ds4_error *err) {
    ds4_status st = ds4_hparams_read(m->file, &m->hp, err);
    if (st != DS4_OK) return st;
    m->layers = calloc(m->hp.n_layer, sizeof *m->layers);
    if (!m->layers) return ds4_fail(err, DS4_ERR_MEMORY, "model: out of memory for %u layers", m->hp.n_layer);
    st = ds4_hparams_read_layers(m->file, &m->hp, m->layers, err);
    binder b = {.file = m->file, .err = err, .st = st};
    bind_top(&b, m);
    b.in_layer = true;
    for (b.layer = 0; b.layer < m->hp.n_layer; b.layer++) bind_layer(&b, &m->hp, &m->layers[b.layer]);
    if (b.st == DS4_OK) b.st = ds4_tokenizer_new(m->file, m->hp.n_vocab, &m->tok, err);
    if (b.st != DS4_OK) ds4_model_unbind(m);
    return b.st;
}

void ds4_model_unbind(ds4_model *m) {
    free(m->layers);
    ds4_tokenizer_free(m->tok);
    m->layers = NULL;
    m->tok = NULL;
}
