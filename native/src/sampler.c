/* sampler.c - from logits to a token.
 *
 * Three ways, as in ds4-server. With neither top-k nor top-p: every token at
 * least min_p as probable as the best, drawn in the order of the vocabulary. With
 * top-p or top-k: candidates by falling probability, cut at the first below
 * min_p of the best and when the sum reaches top_p (the token that crosses stays).
 * Logits that are not finite are never drawn.
 */
#include <math.h>
#include <stdlib.h>

#include "ds4.h"

#define TOP_K_MAX 1024

typedef struct {
    float p;
    int32_t id;
} candidate;

/* xorshift64*, 24 bits in [0, 1) */
static float uniform(uint64_t *rng) {
    uint64_t x = *rng ? *rng : 0x9e3779b97f4a7c15ull;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *rng = x;
    return (float)((x * 0x2545f4914f6cdd1dull) >> 40) * 0x1p-24f;
}

static int32_t best(const float *logits, int32_t n) {
    int32_t at = -1;
    for (int32_t i = 0; i < n; i++)
        if (isfinite(logits[i]) && (at < 0 || logits[i] > logits[at]))
            at = i;
    return at < 0 ? 0 : at;
}

static float prob(float logit, float top, float temperature) {
    return isfinite(logit) ? expf((logit - top) / temperature) : 0.0f;
}

static int32_t draw_in_order(const float *logits, int32_t n, int32_t top, float temperature, float min_p,
                             uint64_t *rng) {
    float sum = 0.0f;
    for (int32_t i = 0; i < n; i++) {
        float p = prob(logits[i], logits[top], temperature);
        sum += p >= min_p ? p : 0.0f;
    }
    float r = uniform(rng) * sum;
    int32_t last = top;
    for (int32_t i = 0; i < n; i++) {
        float p = prob(logits[i], logits[top], temperature);
        if (p < min_p || p == 0.0f)
            continue;
        last = i;
        r -= p;
        if (r < 0.0f)
            break;
    }
    return last;
}

static int by_prob(const void *a, const void *b) {
    const candidate *x = a, *y = b;
    if (x->p != y->p)
        return x->p > y->p ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* Candidates by falling probability; returns how many. */
static int32_t collect(const float *logits, int32_t n, int32_t top, float temperature, candidate *c) {
    int32_t m = 0;
    for (int32_t i = 0; i < n; i++) {
        float p = prob(logits[i], logits[top], temperature);
        if (p > 0.0f)
            c[m++] = (candidate){p, i};
    }
    qsort(c, (size_t)m, sizeof *c, by_prob);
    return m;
}

static int32_t draw_sorted(const candidate *c, int32_t n, float top_p, float min_p, uint64_t *rng) {
    float all = 0.0f, kept = 0.0f;
    int32_t m = 0;
    for (int32_t i = 0; i < n; i++)
        all += c[i].p;
    while (m < n && (m == 0 || (c[m].p >= min_p * c[0].p && kept < top_p * all)))
        kept += c[m++].p;
    float r = uniform(rng) * kept;
    for (int32_t i = 0; i < m; i++) {
        r -= c[i].p;
        if (r < 0.0f)
            return c[i].id;
    }
    return c[m - 1].id;
}

int32_t ds4_sample(const float *logits, int32_t n_vocab, const ds4_sampling *s, uint64_t *rng) {
    int32_t top = best(logits, n_vocab);
    float top_p = s->top_p > 0.0f && s->top_p <= 1.0f ? s->top_p : 1.0f;
    float min_p = s->min_p > 0.0f ? s->min_p : 0.0f;
    int32_t top_k = s->top_k < TOP_K_MAX ? s->top_k : TOP_K_MAX;
    if (!(s->temperature > 0.0f) || !isfinite(logits[top]))
        return top;
    if (top_k <= 0 && top_p >= 1.0f)
        return draw_in_order(logits, n_vocab, top, s->temperature, min_p, rng);
    candidate *c = malloc((size_t)n_vocab * sizeof *c);
    if (!c) /* the best is a fair answer when there is no room to look at the others */
        return top;
    int32_t n = collect(logits, n_vocab, top, s->temperature, c);
    int32_t id = draw_sorted(c, top_k > 0 && top_k < n ? top_k : n, top_p, min_p, rng);
    free(c);
    return id;
}

void ds4_mask_logits(const float *logits, int32_t n_vocab, const uint32_t *allowed, float *out) {
    for (int32_t i = 0; i < n_vocab; i++)
        out[i] = allowed[i / 32] >> (i % 32) & 1 ? logits[i] : -INFINITY;
}

/* The log of the sum of all exponentials; in double, because there are many small ones. */
static double log_sum(const float *logits, int32_t n) {
    double top = logits[best(logits, n)], sum = 0;
    for (int32_t i = 0; i < n; i++)
        sum += isfinite(logits[i]) ? exp(logits[i] - top) : 0;
    return sum > 0 ? top + log(sum) : 0;
}

/* Keep values falling; an equal one stays behind those of lower ids, which came first. */
static void insert(float value, int32_t id, int32_t *n, int32_t k, int32_t *ids, float *values) {
    int32_t at = *n;
    while (at > 0 && values[at - 1] < value)
        at--;
    if (at == k)
        return;
    if (*n < k)
        ++*n;
    for (int32_t i = *n - 1; i > at; i--) {
        ids[i] = ids[i - 1];
        values[i] = values[i - 1];
    }
    ids[at] = id;
    values[at] = value;
}

float ds4_logprob(const float *logits, int32_t n_vocab, int32_t token, int32_t k, int32_t *ids, float *values) {
    double all = log_sum(logits, n_vocab);
    int32_t n = 0;
    for (int32_t i = 0; k > 0 && i < n_vocab; i++)
        insert(isfinite(logits[i]) ? (float)(logits[i] - all) : -INFINITY, i, &n, k, ids, values);
    if (token < 0 || token >= n_vocab || !isfinite(logits[token]))
        return -INFINITY;
    return (float)(logits[token] - all);
}
