/* forward.c - evaluation of one chunk of tokens.
 *
 * Theory of operation. A chunk is one run of the thread pool: every thread goes
 * through all layers and keeps step with the others by barriers, taking its share
 * of tokens or rows by its number. One token goes the way of forward_token.c,
 * more go forward_batch.c's; both compute every value by the same operations in
 * the same order (see kernels.h), so how tokens are split over chunks does not
 * show in the result.
 *
 * Weights stay where the file is mapped. Only small tensors are widened to
 * float32, once per model. Buffers belong to the model and are shared by its
 * sessions, hence one evaluation at a time.
 *
 * A chunk may also be one token each of several sessions: matrices do not care whose
 * a token is, and what depends on it is in forward_many.c.
 *
 * A chunk either runs to its end or leaves no trace: memory is reserved before, and
 * what it overwrites in the session's rings is put back if it is cancelled. (Rows
 * it wrote do no harm: how many rows there are follows from the tokens.)
 */
#include "forward.h"

#include <stdlib.h>
#include <unistd.h>

#include "quant.h"

void ds4_share(const ds4_lane *ln, size_t n, size_t unit, size_t *from, size_t *to) {
    size_t units = (n + unit - 1) / unit, N = (size_t)ln->n, i = (size_t)ln->tid;
    size_t a = units * i / N * unit, b = units * (i + 1) / N * unit;
    *from = a < n ? a : n;
    *to = b < n ? b : n;
}

void ds4_sync(const ds4_lane *ln) {
    ds4_pool_barrier(ln->m->pool);
}

/* The indexer chooses nothing while all rows fit into its top k. Where that holds
 * for every context the model allows, its weights are never touched. */
bool ds4_needs_index(const ds4_model *m) {
    return m->hp.n_ctx_train / 4 > m->hp.idx_top_k;
}

/* ---- once per model --------------------------------------------------------- */

static const float *as_f32(ds4_forward *f, const gguf_tensor *t, bool *ok) {
    if (!t || !*ok)
        return NULL;
    if (t->type == GGUF_F32)
        return t->data;
    size_t n = t->ne[0] * t->ne[1];
    float *p = malloc(n * sizeof *p);
    void **owned = realloc(f->owned, (f->n_owned + 1) * sizeof *owned);
    if (owned)
        f->owned = owned;
    if (!p || !owned) {
        free(p);
        *ok = false;
        return NULL;
    }
    f->owned[f->n_owned++] = p;
    for (size_t r = 0; r < t->ne[1]; r++)
        ds4_dequant_row(t->type, (const char *)t->data + r * ds4_row_bytes(t->type, t->ne[0]), p + r * t->ne[0],
                        t->ne[0]);
    return p;
}

static ds4_hc_f32 widen_hc(ds4_forward *f, const ds4_hc *hc, bool *ok) {
    return (ds4_hc_f32){as_f32(f, hc->base, ok), as_f32(f, hc->scale, ok)};
}

static ds4_layer_f32 widen_layer(ds4_forward *f, const ds4_layer *L, bool *ok) {
    ds4_layer_f32 F = {.hc_attn = widen_hc(f, &L->hc_attn, ok), .hc_ffn = widen_hc(f, &L->hc_ffn, ok)};
    F.attn_norm = as_f32(f, L->attn_norm, ok);
    F.ffn_norm = as_f32(f, L->ffn_norm, ok);
    F.q_a_norm = as_f32(f, L->q_a_norm, ok);
    F.kv_norm = as_f32(f, L->kv_norm, ok);
    F.sinks = as_f32(f, L->sinks, ok);
    F.router_bias = as_f32(f, L->router_bias, ok);
    F.comp = (ds4_comp_f32){as_f32(f, L->comp.ape, ok), as_f32(f, L->comp.norm, ok)};
    F.int_attn = ds4_is_int(L->q_a) || ds4_is_int(L->kv);
    F.int_qr = ds4_is_int(L->q_b);
    F.int_ffn = ds4_is_int(L->router) || ds4_is_int(L->gate_exps) || ds4_is_int(L->gate_sh);
    if (L->ratio)
        F.int_attn |= ds4_is_int(L->comp.kv) || ds4_is_int(L->comp.gate);
    if (L->ratio == 4 && f->needs_index) {
        F.index = (ds4_comp_f32){as_f32(f, L->idx_comp.ape, ok), as_f32(f, L->idx_comp.norm, ok)};
        F.int_attn |= ds4_is_int(L->idx_comp.kv) || ds4_is_int(L->idx_comp.gate) || ds4_is_int(L->idx_proj);
        F.int_qr |= ds4_is_int(L->idx_q_b);
    }
    return F;
}

static ds4_status check_stream_weights(const ds4_model *m, ds4_error *err) {
    for (uint32_t l = 0; l <= m->hp.n_layer; l++) {
        const ds4_hc *two[2] = {&m->hc_head, &m->hc_head};
        if (l < m->hp.n_layer) {
            two[0] = &m->layers[l].hc_attn;
            two[1] = &m->layers[l].hc_ffn;
        }
        for (int i = 0; i < 2; i++)
            if (ds4_is_int(two[i]->fn))
                return ds4_fail(err, DS4_ERR_UNSUPPORTED, "tensor %s has type %s, expected F32, F16 or BF16",
                                two[i]->fn->name, gguf_type_name(two[i]->fn->type));
    }
    return DS4_OK;
}

static ds4_status choose_kv_mode(ds4_model *m, int32_t wanted, ds4_error *err) {
    const ds4_hparams *hp = &m->hp;
    m->kv_mode = wanted != DS4_KV_AUTO ? wanted : hp->head_dim == 512 ? DS4_KV_FAKE_QUANT : DS4_KV_EXACT;
    if (m->kv_mode == DS4_KV_EXACT)
        return DS4_OK;
    if ((hp->head_dim - hp->n_rot) % 64 != 0)
        return ds4_fail(err, DS4_ERR_UNSUPPORTED,
                        "kv_mode fake-quant: head width %u less %u rotary values is %u, expected a multiple of 64",
                        hp->head_dim, hp->n_rot, hp->head_dim - hp->n_rot);
    if ((hp->idx_dim & (hp->idx_dim - 1)) != 0 || hp->idx_dim < 32)
        return ds4_fail(err, DS4_ERR_UNSUPPORTED,
                        "kv_mode fake-quant: indexer width is %u, expected a power of two of 32 or more",
                        hp->idx_dim);
    return DS4_OK;
}

static int thread_count(int32_t wanted) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (wanted > 0)
        return wanted;
    return cores < 1 ? 1 : cores > 12 ? 12 : (int)cores;
}

static bool prepare(ds4_model *m, ds4_forward *f, int threads) {
    bool ok = true;
    f->needs_index = ds4_needs_index(m);
    f->layers = calloc(m->hp.n_layer, sizeof *f->layers);
    if (!f->layers)
        return false;
    for (uint32_t l = 0; l < m->hp.n_layer; l++)
        f->layers[l] = widen_layer(f, &m->layers[l], &ok);
    f->output_norm = as_f32(f, m->output_norm, &ok);
    f->hc_head = widen_hc(f, &m->hc_head, &ok);
    return ok && ds4_rope_init(&m->hp, f->freq) && ds4_lanes_init(m, f, threads);
}

ds4_status ds4_forward_init(ds4_model *m, const ds4_model_params *params, ds4_error *err) {
    int threads = thread_count(params->threads);
    ds4_status st = check_stream_weights(m, err);
    if (st == DS4_OK)
        st = choose_kv_mode(m, params->kv_mode, err);
    if (st == DS4_OK)
        st = ds4_kernels_pick(params->kernels, &m->k, err);
    if (st != DS4_OK)
        return st;
    ds4_forward *f = calloc(1, sizeof *f);
    if (!f)
        return ds4_fail(err, DS4_ERR_MEMORY, "out of memory for the forward pass");
    m->forward = f;
    pthread_mutex_init(&f->lock, NULL);
    st = prepare(m, f, threads) ? ds4_pool_new(threads, &m->pool, err)
                                : ds4_fail(err, DS4_ERR_MEMORY, "out of memory for the forward pass");
    if (st != DS4_OK)
        ds4_forward_free(m);
    return st;
}

void ds4_forward_free(ds4_model *m) {
    ds4_forward *f = m->forward;
    if (!f)
        return;
    ds4_pool_free(m->pool);
    ds4_forward_mem_free(f);
    for (size_t i = 0; i < f->n_owned; i++)
        free(f->owned[i]);
    free(f->owned);
    free(f->undo);
    free(f->many_logits);
    free(f->layers);
    free(f->freq[0]);
    free(f->freq[1]);
    pthread_mutex_destroy(&f->lock);
    free(f);
    m->forward = NULL;
    m->pool = NULL;
}

/* ---- a chunk ------------------------------------------------------------------ */

/* Every stream starts as the token's embedding. */
static void embed(const ds4_lane *ln, size_t t) {
    const gguf_tensor *E = ln->m->token_embd;
    size_t d = ln->hp->d, n = ln->hp->n_hc;
    float *S = ln->w->S + t * n * d;
    const char *row = (const char *)E->data + (size_t)ln->e->tok[t] * ds4_row_bytes(E->type, d);
    ds4_dequant_row(E->type, row, S, d);
    for (size_t h = 1; h < n; h++)
        memcpy(S + h * d, S, d * sizeof *S);
    ds4_rope_fill(ln, t);
}

/* Logits of the chunk's token t. */
static void head(ds4_lane *ln, size_t t, float *logits) {
    ds4_lane_mem *own = ln->own;
    size_t d = ln->hp->d, from, to;
    ds4_mat out = ds4_mat_of(ln->m->output);
    ds4_acts x = {.toks = 1, .k = d, .f = own->x, .ldf = d, .row = own->qx};
    ds4_hc_head(ln, ln->w->S + t * ln->hp->n_hc * d, own->x);
    ds4_rms(ln, own->x, own->x, ln->e->f->output_norm, d);
    if (ds4_type_is_int(out.type))
        ln->k->quantize(own->x, d, &own->qx);
    ds4_share(ln, out.rows, 16, &from, &to);
    ds4_matmul(ln->k, &own->mm, &out, from, to, &x, logits, 0, &ln->own->ahead);
}

static void run_chunk(void *arg, int tid) {
    ds4_eval *e = arg;
    ds4_forward *f = e->f;
    ds4_lane ln = {.e = e, .m = e->m, .hp = &e->m->hp, .k = e->k, .w = &f->work, .own = &f->lanes[tid],
                   .tid = tid, .n = f->n_lanes};
    size_t from, to;
    ds4_share(&ln, e->toks, e->k->lanes, &from, &to);
    for (size_t t = from; t < to; t++)
        embed(&ln, t);
    if (e->toks == 1) {
        ds4_sync(&ln);
        ds4_layers_token(&ln);
    } else {
        ln.own->ahead.running = 0;
        ds4_layers_batch(&ln);
    }
    if (e->many) {
        ds4_many_logits(&ln);
        return;
    }
    for (size_t t = e->stop ? e->toks : e->all_logits ? 0 : e->toks - 1; t < e->toks; t++)
        head(&ln, t, e->all_logits ? e->logits + t * e->m->hp.n_vocab : e->logits);
}

static void point_acts(ds4_work *w, const ds4_hparams *hp, size_t toks) {
    w->ax.toks = w->aqr.toks = w->alow.toks = toks;
    w->ax.f = w->x;
    w->ax.ldf = hp->d;
    w->aqr.f = w->qr;
    w->aqr.ldf = hp->q_lora;
    w->alow.f = w->low;
    w->alow.ldf = w->alow.k;
}

static bool keep_rings(ds4_forward *f, ds4_session *s, size_t toks) {
    uint64_t need = ds4_state_rings(s, NULL, RINGS_MEASURE);
    if (toks == 1) /* too short to be cancelled */
        return true;
    if (need > f->undo_cap) {
        void *p = realloc(f->undo, need);
        if (!p)
            return false;
        f->undo = p;
        f->undo_cap = need;
    }
    ds4_state_rings(s, f->undo, RINGS_SAVE);
    return true;
}

ds4_status ds4_forward_eval(ds4_session *s, const int32_t *tok, size_t toks, float *logits, bool all,
                            ds4_error *err) {
    ds4_model *m = s->model;
    ds4_forward *f = m->forward;
    uint64_t total = (uint64_t)s->n_tokens + toks;
    if (!ds4_extents_reserve(s, s->n_tokens, total) || !ds4_spans_reserve(s, s->n_tokens, total))
        return ds4_fail(err, DS4_ERR_MEMORY, "out of memory for the state of %llu tokens", (unsigned long long)total);
    ds4_eval e = {.m = m, .f = f, .s = s, .k = m->k, .tok = tok, .toks = toks, .pos = s->n_tokens,
                  .logits = logits, .all_logits = all};
    pthread_mutex_lock(&f->lock);
    bool ok = ds4_work_reserve(m, f, toks) && ds4_lanes_reserve(m, f, total) && keep_rings(f, s, toks);
    if (ok) {
        point_acts(&f->work, &m->hp, toks);
        ds4_pool_run(m->pool, run_chunk, &e);
    }
    if (e.stop)
        ds4_state_rings(s, f->undo, RINGS_RESTORE);
    pthread_mutex_unlock(&f->lock);
    if (!ok)
        return ds4_fail(err, DS4_ERR_MEMORY, "out of memory for a chunk of %zu tokens", toks);
    return e.stop ? DS4_ERR_CANCELLED : DS4_OK;
}

static bool reserve_many(ds4_model *m, ds4_forward *f, size_t n, uint64_t longest) {
    uint64_t need = n * m->hp.n_vocab;
    if (need > f->many_cap) {
        float *p = realloc(f->many_logits, need * sizeof *p);
        if (!p)
            return false;
        f->many_logits = p;
        f->many_cap = need;
    }
    return ds4_work_reserve(m, f, n) && ds4_lanes_reserve(m, f, longest);
}

ds4_status ds4_forward_each(ds4_session *const *s, const int32_t *tok, size_t n, ds4_error *err) {
    ds4_model *m = s[0]->model;
    ds4_forward *f = m->forward;
    uint64_t longest = 0;
    bool ok = true;
    for (size_t i = 0; i < n; i++) {
        uint64_t end = s[i]->n_tokens + 1ull;
        ok = ok && ds4_extents_reserve(s[i], end - 1, end) && ds4_spans_reserve(s[i], end - 1, end);
        longest = end > longest ? end : longest;
    }
    ds4_eval e = {.m = m, .f = f, .s = s[0], .many = s, .k = m->k, .tok = tok, .toks = n};
    pthread_mutex_lock(&f->lock);
    ok = ok && reserve_many(m, f, n, longest);
    if (ok) {
        point_acts(&f->work, &m->hp, n);
        ds4_pool_run(m->pool, run_chunk, &e);
    }
    for (size_t i = 0; ok && i < n; i++)
        memcpy(s[i]->logits, f->many_logits + i * m->hp.n_vocab, m->hp.n_vocab * sizeof(float));
    pthread_mutex_unlock(&f->lock);
    return ok ? DS4_OK : ds4_fail(err, DS4_ERR_MEMORY, "out of memory for a token of each of %zu sessions", n);
}
