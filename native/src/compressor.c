/* compressor.c - one row for every `ratio` tokens.
 *
 * Each token is projected to a value and a gate score per dimension; a row is,
 * per dimension, the values' mean under the softmax of the gate scores. With
 * ratio 4 a token makes two halves: the row of window w pools the first halves
 * of window w-1 (none for w = 0) and the second halves of window w. A row exists
 * once its last token is there; its rotary position is that of its first.
 */
#include "forward.h"
#include "quant.h"

/* A chunk's gate projections get their position's bias, columns [from, to). */
void ds4_comp_bias(const ds4_comp_state *c, const float *ape, uint32_t pos, size_t toks, float *gate,
                   size_t from, size_t to) {
    for (size_t t = 0; t < toks; t++) {
        const float *bias = ape + (pos + t) % c->ratio * c->in_width;
        for (size_t i = from; i < to; i++)
            gate[t * c->in_width + i] += bias[i];
    }
}

void ds4_comp_store(const ds4_lane *ln, ds4_comp_state *c, const float *ape, uint32_t pos, const float *kv,
                    const float *gate) {
    size_t at = (size_t)(pos % c->ring) * c->in_width;
    memcpy(c->kv + at, kv, c->in_width * sizeof *kv);
    memcpy(c->gate + at, gate, c->in_width * sizeof *gate);
    ln->k->add(c->gate + at, ape + (size_t)(pos % c->ratio) * c->in_width, c->in_width);
}

/* The chunk's last tokens, gate already biased, into the ring. */
void ds4_comp_carry(ds4_comp_state *c, uint32_t pos, size_t toks, const float *kv, const float *gate) {
    size_t n = toks < c->ring ? toks : c->ring;
    for (size_t t = toks - n; t < toks; t++) {
        size_t at = (pos + t) % c->ring * c->in_width;
        memcpy(c->kv + at, kv + t * c->in_width, c->in_width * sizeof *kv);
        memcpy(c->gate + at, gate + t * c->in_width, c->in_width * sizeof *gate);
    }
}

/* Compressed rows lie at the position of their window's first token, which may be
 * before the chunk, so their rotation is computed here. */
static void rotate(const ds4_lane *ln, float *x, uint32_t pos) {
    size_t R = ln->hp->n_rot;
    float cos[R], sin[R], neg[R];
    ds4_rope_at(ln, 1, pos, cos, sin, neg);
    ln->k->rope(x, cos, sin, R);
}

/* Before a block ends, what the next one reads of it. */
void ds4_comp_keep(const ds4_comp_state *c, ds4_piece *span, uint32_t end, const float *chunk_kv,
                   const float *chunk_gate, uint32_t chunk_pos) {
    if (c->ratio != 4)
        return;
    float *kv = span->data + c->carry_at, *gate = kv + (size_t)CARRY_TOKENS * c->in_width;
    for (uint32_t p = end - CARRY_TOKENS; p < end; p++, kv += c->in_width, gate += c->in_width) {
        bool chunk = chunk_kv && p >= chunk_pos;
        size_t at = (chunk ? p - chunk_pos : p % c->ring) * (size_t)c->in_width;
        memcpy(kv, (chunk ? chunk_kv : c->kv) + at, c->in_width * sizeof *kv);
        memcpy(gate, (chunk ? chunk_gate : c->gate) + at, c->in_width * sizeof *gate);
    }
}

void ds4_comp_row(const ds4_lane *ln, const ds4_session *s, const ds4_comp_state *c, const float *norm, uint32_t w, bool is_index,
                  const float *chunk_kv, const float *chunk_gate, uint32_t chunk_pos) {
    const float *kv[c->span], *gate[c->span];
    uint32_t end = (w + 1) * c->ratio, start = end >= c->span ? end - c->span : 0, n = 0;
    float *row = ds4_row(s, c, w);
    for (uint32_t p = start; p < end; p++, n++) {
        bool own = p >= w * c->ratio; /* of the row's own window, not the one before */
        size_t half = own ? c->in_width - c->width : 0;
        size_t at = chunk_kv && p >= chunk_pos ? p - chunk_pos : p % c->ring;
        bool chunk = chunk_kv && p >= chunk_pos;
        kv[n] = (chunk ? chunk_kv : c->kv) + at * c->in_width + half;
        gate[n] = (chunk ? chunk_gate : c->gate) + at * c->in_width + half;
    }
    ln->k->pool(row, kv, gate, n, c->width);
    ds4_rms(ln, row, row, norm, c->width);
    rotate(ln, row + c->width - ln->hp->n_rot, w * c->ratio);
    if (ln->m->kv_mode != DS4_KV_FAKE_QUANT)
        return;
    if (is_index)
        ds4_hadamard_fp4(row, c->width);
    else
        ds4_fp8_rows(row, c->width - ln->hp->n_rot);
    ds4_round_f16(row, c->width);
}
