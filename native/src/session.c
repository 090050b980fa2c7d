/* session.c - the life of a session: make, extend, forget.
 *
 * Evaluation goes in chunks. Between chunks a session is whole: its tokens, state
 * and logits belong together, so a cancelled prefill keeps the chunks that were
 * done and a failure leaves the last one. A request to cancel is looked at
 * between chunks and, inside one, between layers; a chunk given up there leaves no
 * trace.
 */
#include <stdlib.h>
#include <string.h>

#include "forward.h"

ds4_status ds4_session_new(ds4_model *model, int32_t ctx, ds4_session **out, ds4_error *err) {
    if (!model || !out)
        return ds4_fail(err, DS4_ERR_ARGUMENT, "session: no model or no place for the result");
    if (ctx < 1 || (uint32_t)ctx > model->hp.n_ctx_train)
        return ds4_fail(err, DS4_ERR_ARGUMENT, "session: context of %d tokens, expected 1 to %u", ctx,
                        model->hp.n_ctx_train);
    ds4_session *s = calloc(1, sizeof *s);
    if (s) {
        *s = (ds4_session){.model = model, .ctx = (uint32_t)ctx};
        s->window = model->hp.window < s->ctx ? model->hp.window : s->ctx;
        s->layers = calloc(model->hp.n_layer, sizeof *s->layers);
    }
    if (!s || !s->layers || !ds4_state_init(model, s->layers)) {
        ds4_session_free(s);
        return ds4_fail(err, DS4_ERR_MEMORY, "session: out of memory");
    }
    *out = s;
    return DS4_OK;
}

void ds4_session_free(ds4_session *s) {
    if (!s)
        return;
    ds4_state_free(s->model, s->layers);
    free(s->layers);
    free(s->tokens);
    free(s->logits);
    free(s);
}

/* State needs no clearing: what a token reads follows from its position. */
void ds4_session_reset(ds4_session *s) {
    s->n_tokens = 0;
}

int32_t ds4_session_ctx(const ds4_session *s) {
    return (int32_t)s->ctx;
}

int32_t ds4_session_n_tokens(const ds4_session *s) {
    return (int32_t)s->n_tokens;
}

const int32_t *ds4_session_tokens(const ds4_session *s) {
    return s->tokens;
}

const float *ds4_session_logits(const ds4_session *s) {
    return s->n_tokens ? s->logits : NULL;
}

uint64_t ds4_session_memory(const ds4_session *s) {
    uint64_t logits = s->logits ? s->model->hp.n_vocab * sizeof(float) : 0;
    return sizeof *s + s->model->hp.n_layer * sizeof *s->layers + s->tokens_cap * sizeof *s->tokens + logits +
           ds4_state_bytes(s->model, s->layers, s->window);
}

void ds4_session_cancel(ds4_session *s) {
    atomic_store(&s->cancel, 1);
}

void ds4_session_clear_cancel(ds4_session *s) {
    atomic_store(&s->cancel, 0);
}

bool ds4_session_reserve_tokens(ds4_session *s, uint64_t n) {
    if (n <= s->tokens_cap)
        return true;
    uint64_t cap = s->tokens_cap + s->tokens_cap / 2 + 256;
    cap = cap < n ? n : cap > s->ctx ? s->ctx : cap;
    int32_t *t = realloc(s->tokens, cap * sizeof *t);
    if (!t)
        return false;
    s->tokens = t;
    s->tokens_cap = cap;
    return true;
}

static ds4_status check_tokens(const ds4_session *s, const int32_t *tokens, size_t n, ds4_error *err) {
    uint32_t vocab = s->model->hp.n_vocab;
    if (n > 0 && !tokens)
        return ds4_fail(err, DS4_ERR_ARGUMENT, "eval: no tokens");
    for (size_t i = 0; i < n; i++)
        if (tokens[i] < 0 || (uint32_t)tokens[i] >= vocab)
            return ds4_fail(err, DS4_ERR_ARGUMENT, "eval: token %zu is %d, expected 0 to %u", i, tokens[i],
                            vocab - 1);
    if (n > s->ctx - s->n_tokens)
        return ds4_fail(err, DS4_ERR_CONTEXT_FULL, "eval: %zu tokens after %u do not fit in a context of %u", n,
                        s->n_tokens, s->ctx);
    return DS4_OK;
}

static ds4_status eval_chunk(ds4_session *s, const int32_t *tok, size_t toks, float *logits_out, ds4_error *err) {
    size_t vocab = s->model->hp.n_vocab;
    if (atomic_exchange(&s->cancel, 0))
        return DS4_ERR_CANCELLED;
    ds4_status st = ds4_forward_eval(s, tok, toks, logits_out ? logits_out : s->logits, logits_out != NULL, err);
    if (st != DS4_OK)
        return st;
    if (logits_out)
        memcpy(s->logits, logits_out + (toks - 1) * vocab, vocab * sizeof *s->logits);
    memcpy(s->tokens + s->n_tokens, tok, toks * sizeof *tok);
    s->n_tokens += (uint32_t)toks;
    return DS4_OK;
}

ds4_status ds4_session_eval(ds4_session *s, const int32_t *tokens, size_t n, float *logits_out, ds4_error *err) {
    size_t vocab = s->model->hp.n_vocab;
    ds4_status st = check_tokens(s, tokens, n, err);
    if (st != DS4_OK || n == 0)
        return st;
    if (!s->logits)
        s->logits = calloc(vocab, sizeof *s->logits);
    if (!s->logits || !ds4_session_reserve_tokens(s, s->n_tokens + n))
        return ds4_fail(err, DS4_ERR_MEMORY, "eval: out of memory for %zu tokens", n);
    for (size_t done = 0, toks; done < n && st == DS4_OK; done += st == DS4_OK ? toks : 0) {
        toks = n - done < BATCH_MAX ? n - done : BATCH_MAX;
        st = eval_chunk(s, tokens + done, toks, logits_out ? logits_out + done * vocab : NULL, err);
        if (st == DS4_ERR_CANCELLED)
            ds4_fail(err, st, "eval: cancelled after %zu of %zu tokens", done, n);
    }
    return st;
}
