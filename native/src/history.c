/* history.c - where a session can be cut back to.
 *
 * A session cannot run backwards, but it can go on from any point at which it still
 * has what the next token reads: the compressed rows before it (kept always), the
 * window rows of the last `window` tokens, and the projections of tokens whose row
 * is not complete. The ends of spans are such points as long as the spans that
 * cover the window before them are kept; so are the last BACK_TOKENS positions, for
 * which the rings hold that much more. From a point the rest is read again,
 * so where every span is kept that is at most BLOCK_TOKENS tokens.
 *
 * Window rows of old tokens are the larger part of the memory, so of those more than
 * `history` tokens are thinned out: a group of spans as long as the window goes,
 * always the one whose loss leaves the smallest gap for its distance from the end.
 * What has to be read again to return stays in proportion to how far back it is.
 */
#include <string.h>

#include "state.h"

static uint32_t group_spans(const ds4_session *s) {
    return (s->model->hp.window + BLOCK_TOKENS - 1) / BLOCK_TOKENS;
}

/* ---- points -------------------------------------------------------------------- */

static bool window_is_there(const ds4_session *s, uint32_t n) {
    uint32_t from = n > s->model->hp.window ? n - s->model->hp.window : 0;
    for (uint32_t p = from; p < n; p = (p / BLOCK_TOKENS + 1) * BLOCK_TOKENS) {
        const ds4_piece *span = s->spans[p / BLOCK_TOKENS];
        if (!span || span->first > p % BLOCK_TOKENS)
            return false;
    }
    return true;
}

static bool is_point(const ds4_session *s, uint32_t n) {
    return n == 0 || (s->spans[n / BLOCK_TOKENS - 1] && s->spans[n / BLOCK_TOKENS - 1]->ended && window_is_there(s, n));
}

/* The first token that the rings must hold for the session to go on from n. */
static uint32_t needs4(uint32_t n) {
    return n / 4 > 1 ? (n / 4 - 1) * 4 : 0;
}

static uint32_t held(uint32_t n_tokens, uint32_t ring, uint32_t floor) {
    uint32_t from = n_tokens > ring ? n_tokens - ring : 0;
    return from > floor ? from : floor;
}

static bool rings_reach(const ds4_session *s, uint32_t n) {
    return needs4(n) >= held(s->n_tokens, 8 + BACK_TOKENS, s->held4) &&
           n / 128 * 128 >= held(s->n_tokens, 128 + BACK_TOKENS, s->held128) &&
           window_is_there(s, n);
}

uint32_t ds4_history_nearest(const ds4_session *s, uint32_t n) {
    if (n >= s->n_tokens)
        return s->n_tokens;
    if (rings_reach(s, n))
        return n;
    for (n = n / BLOCK_TOKENS * BLOCK_TOKENS; !is_point(s, n); n -= BLOCK_TOKENS) {
    }
    return n;
}

static void restore_rings(ds4_session *s, uint32_t n) {
    const ds4_piece *span = n ? s->spans[n / BLOCK_TOKENS - 1] : NULL;
    for (uint32_t l = 0; span && l < s->model->hp.n_layer; l++)
        for (int i = 0; i < 2; i++) {
            ds4_comp_state *c = ds4_comp_of(s, l, i);
            if (c->ratio != 4)
                continue;
            uint64_t floats = (uint64_t)CARRY_TOKENS * c->in_width, slot = (n - CARRY_TOKENS) % c->ring;
            memcpy(c->kv + slot * c->in_width, span->data + c->carry_at, floats * sizeof(float));
            memcpy(c->gate + slot * c->in_width, span->data + c->carry_at + floats, floats * sizeof(float));
        }
}

void ds4_history_return(ds4_session *s, uint32_t n) {
    if (n >= s->n_tokens)
        return;
    if (rings_reach(s, n)) {
        s->held4 = held(s->n_tokens, 8 + BACK_TOKENS, s->held4);
        s->held128 = held(s->n_tokens, 128 + BACK_TOKENS, s->held128);
    } else {
        restore_rings(s, n);
        s->held4 = needs4(n);
        s->held128 = n;
    }
    s->n_tokens = n;
    s->put_tokens = n / BLOCK_TOKENS * BLOCK_TOKENS;
    s->has_logits = false;
    ds4_state_release(s, n);
}

/* ---- thinning ------------------------------------------------------------------ */

static bool kept(const ds4_session *s, uint32_t group) {
    return s->spans[group * group_spans(s)] != NULL;
}

/* The group to lose, of those before `end`; end: there is none. */
static uint32_t least_missed(const ds4_session *s, uint32_t end) {
    uint32_t best = end, before = 0;
    double least = 0;
    for (uint32_t g = 0, next; g < end; g = next) {
        for (next = g + 1; next < end && !kept(s, next); next++) {
        }
        double gap = (double)(next - before) / (double)(end + 1 - g);
        if (kept(s, g) && (best == end || gap < least)) {
            best = g;
            least = gap;
        }
        if (kept(s, g))
            before = g + 1;
    }
    return best;
}

static void thin_out(ds4_session *s) {
    uint32_t size = group_spans(s), held_spans = 0, last = s->n_tokens / BLOCK_TOKENS;
    uint32_t window_from = s->n_tokens > s->model->hp.window ? s->n_tokens - s->model->hp.window : 0;
    for (uint32_t i = 0; i < last; i++)
        held_spans += s->spans[i] != NULL;
    while (held_spans > s->history / BLOCK_TOKENS) {
        uint32_t end = window_from / BLOCK_TOKENS / size, g = least_missed(s, end);
        if (g == end)
            return;
        for (uint32_t i = g * size; i < (g + 1) * size; i++) {
            held_spans -= s->spans[i] != NULL;
            ds4_piece_drop(&s->spans[i]);
        }
    }
}

void ds4_history_grew(ds4_session *s, uint64_t before) {
    uint32_t from = (uint32_t)(before / BLOCK_TOKENS), to = s->n_tokens / BLOCK_TOKENS;
    for (uint32_t i = from; i < to; i++)
        s->spans[i]->ended = true;
    if (to > from)
        thin_out(s);
}
