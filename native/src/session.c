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

/* So many tokens take less time in one pass, with half-empty tiles, than one after the other. */
#define TOGETHER_MIN 4

ds4_status ds4_session_new(ds4_model *model, int32_t ctx, ds4_session **out, ds4_error *err) {
    if (!model || !out)
        return ds4_fail(err, DS4_ERR_ARGUMENT, "session: no model or no place for the result");
    if (ctx < 1 || (uint32_t)ctx > model->hp.n_ctx_train)
        return ds4_fail(err, DS4_ERR_ARGUMENT, "session: context of %d tokens, expected 1 to %u", ctx,
                        model->hp.n_ctx_train);
    ds4_session *s = calloc(1, sizeof *s);
    if (s) {
        *s = (ds4_session){.model = model, .ctx = (uint32_t)ctx, .history = DS4_HISTORY_TOKENS};
        s->logits = calloc(model->hp.n_vocab, sizeof *s->logits);
    }
    if (!s || !s->logits || !ds4_state_init(s)) {
        ds4_session_free(s);
        return ds4_fail(err, DS4_ERR_MEMORY, "session: out of memory");
    }
    *out = s;
    return DS4_OK;
}

void ds4_session_free(ds4_session *s) {
    if (!s)
        return;
    ds4_state_free(s);
    free(s->tokens);
    free(s->logits);
    free(s);
}

/* The rings need no clearing: what a token reads follows from its position. */
void ds4_session_reset(ds4_session *s) {
    s->n_tokens = s->put_tokens = s->held4 = s->held128 = 0;
    s->has_logits = false;
    ds4_state_release(s, 0);
}

void ds4_session_keep(ds4_session *s, int32_t tokens) {
    s->history = tokens > 0 ? (uint32_t)tokens : 0;
}

int32_t ds4_session_cut(ds4_session *s, int32_t n) {
    uint32_t to = ds4_history_nearest(s, n > 0 ? (uint32_t)n : 0);
    ds4_history_return(s, to);
    return (int32_t)to;
}

int32_t ds4_session_nearest(const ds4_session *s, int32_t n) {
    return (int32_t)ds4_history_nearest(s, n > 0 ? (uint32_t)n : 0);
}

static bool copy_rings(ds4_session *to, const ds4_session *from) {
    uint64_t size = ds4_state_rings((ds4_session *)from, NULL, RINGS_MEASURE);
    void *rings = malloc(size + 1);
    if (rings) {
        ds4_state_rings((ds4_session *)from, rings, RINGS_SAVE);
        ds4_state_rings(to, rings, RINGS_RESTORE);
    }
    free(rings);
    return rings != NULL;
}

ds4_status ds4_session_fork(const ds4_session *from, ds4_session **out, ds4_error *err) {
    ds4_session *s = NULL;
    ds4_status st = ds4_session_new(from->model, (int32_t)from->ctx, &s, err);
    if (st != DS4_OK)
        return st;
    if (!ds4_session_reserve_tokens(s, from->n_tokens) || !copy_rings(s, from)) {
        ds4_session_free(s);
        return ds4_fail(err, DS4_ERR_MEMORY, "fork: out of memory");
    }
    s->n_tokens = s->put_tokens = from->n_tokens;
    s->put_tokens -= s->put_tokens % BLOCK_TOKENS;
    s->held4 = from->held4;
    s->held128 = from->held128;
    s->history = from->history;
    s->has_logits = from->has_logits;
    if (s->n_tokens)
        memcpy(s->tokens, from->tokens, s->n_tokens * sizeof *s->tokens);
    memcpy(s->logits, from->logits, s->model->hp.n_vocab * sizeof *s->logits);
    ds4_state_share(s, from);
    *out = s;
    return DS4_OK;
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
    return s->has_logits ? s->logits : NULL;
}

static uint64_t plain_bytes(const ds4_session *s, uint64_t tokens) {
    return sizeof *s + s->model->hp.n_layer * sizeof *s->layers + tokens * sizeof *s->tokens +
           s->model->hp.n_vocab * sizeof *s->logits;
}

uint64_t ds4_session_memory(const ds4_session *s) {
    return plain_bytes(s, s->tokens_cap) + ds4_state_bytes(s);
}

uint64_t ds4_session_most_memory(const ds4_session *s) {
    return plain_bytes(s, s->ctx) + ds4_state_most_bytes(s);
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

static void grew(ds4_session *s, const int32_t *tok, size_t toks) {
    memcpy(s->tokens + s->n_tokens, tok, toks * sizeof *tok);
    s->n_tokens += (uint32_t)toks;
    s->put_tokens = s->n_tokens / BLOCK_TOKENS * BLOCK_TOKENS;
    s->has_logits = true;
    ds4_history_grew(s, s->n_tokens - toks);
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
    grew(s, tok, toks);
    return DS4_OK;
}

ds4_status ds4_session_eval(ds4_session *s, const int32_t *tokens, size_t n, float *logits_out, ds4_error *err) {
    size_t vocab = s->model->hp.n_vocab;
    ds4_status st = check_tokens(s, tokens, n, err);
    if (st != DS4_OK || n == 0)
        return st;
    if (!ds4_session_reserve_tokens(s, s->n_tokens + n))
        return ds4_fail(err, DS4_ERR_MEMORY, "eval: out of memory for %zu tokens", n);
    for (size_t done = 0, toks; done < n && st == DS4_OK; done += st == DS4_OK ? toks : 0) {
        toks = n - done < BATCH_MAX ? n - done : BATCH_MAX;
        st = eval_chunk(s, tokens + done, toks, logits_out ? logits_out + done * vocab : NULL, err);
        if (st == DS4_ERR_CANCELLED)
            ds4_fail(err, st, "eval: cancelled after %zu of %zu tokens", done, n);
    }
    return st;
}

static ds4_status check_each(ds4_session *const *s, const int32_t *tokens, size_t n, ds4_error *err) {
    for (size_t i = 0; i < n; i++) {
        ds4_status st = check_tokens(s[i], tokens + i, 1, err);
        if (st != DS4_OK)
            return st;
        for (size_t j = 0; j < i; j++)
            if (s[i] == s[j] || s[i]->model != s[j]->model)
                return ds4_fail(err, DS4_ERR_ARGUMENT, "eval: sessions %zu and %zu are the same or of other models", j,
                                i);
        if (!ds4_session_reserve_tokens(s[i], s[i]->n_tokens + 1ull))
            return ds4_fail(err, DS4_ERR_MEMORY, "eval: out of memory for a token");
    }
    return DS4_OK;
}

ds4_status ds4_sessions_eval(ds4_session *const *s, const int32_t *tokens, size_t n, ds4_error *err) {
    if (n > BATCH_MAX || (n > 0 && (!s || !tokens)))
        return ds4_fail(err, DS4_ERR_ARGUMENT, "eval: %zu sessions, expected at most %d", n, BATCH_MAX);
    ds4_status st = check_each(s, tokens, n, err);
    if (st != DS4_OK || n == 0)
        return st;
    for (size_t i = 0; n < TOGETHER_MIN && st == DS4_OK && i < n; i++) {
        st = ds4_forward_eval(s[i], tokens + i, 1, s[i]->logits, false, err);
        if (st == DS4_OK)
            grew(s[i], tokens + i, 1);
    }
    if (n < TOGETHER_MIN)
        return st;
    st = ds4_forward_each(s, tokens, n, err);
    for (size_t i = 0; st == DS4_OK && i < n; i++)
        grew(s[i], tokens + i, 1);
    return st;
}
