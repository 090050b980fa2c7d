/* indexer.c - which compressed rows of a ratio-4 layer a token attends to.
 *
 * A row's score is the sum over indexer heads of a weight times the positive part
 * of a dot. The top k rows are kept, ties going to the lowest row. While no more
 * than k rows are visible all are kept and nothing is computed.
 */
#include <stdlib.h>

#include "forward.h"
#include "quant.h"

#define STEP 64

void ds4_index_query(const ds4_lane *ln, ds4_rope r, float *q, size_t heads) {
    size_t dim = ln->hp->idx_dim, R = ln->hp->n_rot;
    for (size_t h = 0; h < heads; h++, q += dim) {
        ln->k->rope(q + dim - R, r.cos, r.sin, R);
        if (ln->m->kv_mode == DS4_KV_FAKE_QUANT)
            ds4_hadamard_fp4(q, dim);
    }
}

/* The constant factor 1/sqrt(dim * heads) does not change the order. */
void ds4_index_scores(const ds4_lane *ln, const ds4_session *s, const float *q, const float *weights,
                      const ds4_comp_state *index, size_t from, size_t to, float *scores) {
    size_t dim = ln->hp->idx_dim, heads = ln->hp->idx_head;
    float *scratch = ln->own->tmp;
    for (size_t at = from; at < to; at += STEP) {
        size_t count = to - at < STEP ? to - at : STEP;
        const float *rows = ds4_row(s, index, at); /* an extent holds whole steps */
        ln->k->dot_f32(rows, dim, count, q, dim, heads, dim, scratch, STEP);
        for (size_t i = 0; i < count; i++) {
            float sum = 0.0f;
            for (size_t h = 0; h < heads; h++) {
                float dot = scratch[h * STEP + i];
                sum += weights[h] * (dot > 0.0f ? dot : 0.0f);
            }
            scores[at + i] = sum;
        }
    }
}

/* Unsigned keys in the order of the floats; -0 and +0 tie, no number comes last. */
static uint32_t key_of(float f) {
    if (f != f)
        return 0;
    uint32_t u = ds4_f32_bits(f + 0.0f);
    return u & 0x80000000u ? ~u : u | 0x80000000u;
}

/* The k-th largest key, a byte at a time from the top; *above: how many are larger. */
static uint32_t kth_key(const float *scores, size_t n, size_t k, size_t *above) {
    uint32_t prefix = 0, mask = 0;
    *above = 0;
    for (int shift = 24; shift >= 0; shift -= 8) {
        size_t count[256] = {0};
        for (size_t i = 0; i < n; i++) {
            uint32_t u = key_of(scores[i]);
            if ((u & mask) == prefix)
                count[u >> shift & 255]++;
        }
        uint32_t b = 255;
        while (*above + count[b] < k)
            *above += count[b--];
        prefix |= b << shift;
        mask |= 255u << shift;
    }
    return prefix;
}

size_t ds4_top_k(const float *scores, size_t n, size_t k, uint32_t *out) {
    size_t m = 0, above = 0;
    if (n <= k) {
        for (; m < n; m++)
            out[m] = (uint32_t)m;
        return n;
    }
    uint32_t limit = kth_key(scores, n, k, &above);
    size_t ties = k - above;
    for (size_t i = 0; i < n; i++) {
        uint32_t u = key_of(scores[i]);
        if (u > limit || (u == limit && ties > 0)) {
            ties -= u == limit;
            out[m++] = (uint32_t)i;
        }
    }
    return m;
}
