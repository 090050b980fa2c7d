/* kernels_avx512_int.h - the int8 kernels of kernels_avx512.h. */

#define FLIP _mm512_set1_epi8((char)0x80)
#define HINLINE static inline __attribute__((always_inline))

static void quantize(const float *x, size_t k, const ds4_q8row *out) {
    const __m256i ones = _mm256_set1_epi8(1);
    for (size_t b = 0; b < k / 32; b++) {
        __m512 lo = _mm512_loadu_ps(x + b * 32), hi = _mm512_loadu_ps(x + b * 32 + 16);
        float amax = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(lo), _mm512_abs_ps(hi)));
        float d = amax / 127.0f, inv = d > 0.0f ? 1.0f / d : 0.0f;
        __m512 iv = _mm512_set1_ps(inv);
        __m128i ql = _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(_mm512_mul_ps(lo, iv)));
        __m128i qh = _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(_mm512_mul_ps(hi, iv)));
        __m256i q = _mm256_set_m128i(qh, ql);
        __m256i s = _mm256_madd_epi16(_mm256_maddubs_epi16(ones, q), _mm256_set1_epi16(1));
        __m128i h = _mm_hadd_epi32(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
        h = _mm_hadd_epi32(h, h);
        int32_t s0 = _mm_cvtsi128_si32(h), s1 = _mm_extract_epi32(h, 1);
        _mm256_storeu_si256((__m256i *)(out->q + b * 32), q);
        out->d[b] = d;
        out->fix[b] = -128 * (s0 + s1);
        out->xs[2 * b] = d * (float)s0;
        out->xs[2 * b + 1] = d * (float)s1;
    }
}

/* 16 x 16 dwords, rows to columns. */
HINLINE void transpose16(__m512i *v) {
    __m512i t[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; i += 4) {
        __m512i a = _mm512_unpacklo_epi32(v[i], v[i + 1]), b = _mm512_unpackhi_epi32(v[i], v[i + 1]);
        __m512i c = _mm512_unpacklo_epi32(v[i + 2], v[i + 3]), d = _mm512_unpackhi_epi32(v[i + 2], v[i + 3]);
        t[i] = _mm512_unpacklo_epi64(a, c);
        t[i + 1] = _mm512_unpackhi_epi64(a, c);
        t[i + 2] = _mm512_unpacklo_epi64(b, d);
        t[i + 3] = _mm512_unpackhi_epi64(b, d);
    }
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) { /* column j of each quarter, rows in fours */
        __m512i a = _mm512_shuffle_i32x4(t[j], t[4 + j], 0x44), b = _mm512_shuffle_i32x4(t[8 + j], t[12 + j], 0x44);
        __m512i c = _mm512_shuffle_i32x4(t[j], t[4 + j], 0xee), d = _mm512_shuffle_i32x4(t[8 + j], t[12 + j], 0xee);
        v[j] = _mm512_shuffle_i32x4(a, b, 0x88);
        v[4 + j] = _mm512_shuffle_i32x4(a, b, 0xdd);
        v[8 + j] = _mm512_shuffle_i32x4(c, d, 0x88);
        v[12 + j] = _mm512_shuffle_i32x4(c, d, 0xdd);
    }
}

static void pack(const ds4_q8row *rows, size_t n, size_t k, const ds4_q8tile *tile) {
    for (size_t i = 0; i < k / 4; i += 16) {
        size_t words = k / 4 - i < 16 ? k / 4 - i : 16;
        __mmask16 mask = (__mmask16)((1u << words) - 1);
        __m512i v[16];
        for (size_t t = 0; t < 16; t++)
            v[t] = t < n ? _mm512_maskz_loadu_epi32(mask, rows[t].q + i * 4) : _mm512_setzero_si512();
        transpose16(v);
        for (size_t w = 0; w < words; w++)
            _mm512_storeu_si512(tile->q + (i + w) * 64, _mm512_xor_si512(v[w], FLIP));
    }
    for (size_t b = 0; b < k / 32; b++)
        for (size_t t = 0; t < 16; t++)
            tile->d[b * 16 + t] = t < n ? rows[t].d[b] : 0.0f;
    for (size_t h = 0; tile->xs && h < k / 16; h++)
        for (size_t t = 0; t < 16; t++)
            tile->xs[h * 16 + t] = t < n ? rows[t].xs[h] : 0.0f;
}

/* Row r of the panel; rows past the end repeat the last one. */
HINLINE const int8_t *panel_row(const ds4_panel *p, size_t r) {
    return p->q + (r < p->rows ? r : p->rows - 1) * p->row_stride;
}

HINLINE __m512i two_rows(const int8_t *a, const int8_t *b) {
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)a)),
                              _mm256_loadu_si256((const __m256i *)b), 1);
}

/* Lane r: the sum of row r's 8 lanes. v[i] holds rows (i, i+4) for i < 4 and
 * (i+4, i+8) for the others, which lets the last shuffle leave them in order. */
HINLINE __m512i sum_rows(const __m512i *v) {
    __m512i w[2];
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
        const __m512i *u = v + 4 * i;
        __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(u[0], u[1]), _mm512_unpackhi_epi32(u[0], u[1]));
        __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(u[2], u[3]), _mm512_unpackhi_epi32(u[2], u[3]));
        w[i] = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
    }
    return _mm512_add_epi32(_mm512_shuffle_i32x4(w[0], w[1], 0x88), _mm512_shuffle_i32x4(w[0], w[1], 0xdd));
}

HINLINE void panel_rows(const ds4_panel *p, const int8_t **row) {
    for (size_t r = 0; r < PANEL_ROWS; r++)
        row[r] = panel_row(p, r);
}

HINLINE size_t first_row(int i) {
    return (size_t)(i < 4 ? i : i + 4);
}

static void block_sums(ds4_panel *p, size_t k) {
    const int8_t *row[PANEL_ROWS];
    panel_rows(p, row);
    for (size_t b = 0; b < k / 32; b++) {
        __m512i v[8];
#pragma GCC unroll 8
        for (int i = 0; i < 8; i++)
            v[i] = dot4(_mm512_setzero_si512(), FLIP,
                                       two_rows(row[first_row(i)] + b * p->blk_stride,
                                                row[first_row(i) + 4] + b * p->blk_stride));
        _mm512_storeu_si512(p->fix + b * PANEL_ROWS, _mm512_sub_epi32(_mm512_setzero_si512(), sum_rows(v)));
    }
}

static void scales_q8_0(ds4_panel *p, size_t k) {
    const int8_t *row[PANEL_ROWS];
    size_t nb = k / 32;
    panel_rows(p, row);
    for (size_t b0 = 0; b0 < nb; b0 += 16) {
        uint16_t half[16][PANEL_ROWS];
        size_t n = nb - b0 < 16 ? nb - b0 : 16;
        for (size_t r = 0; r < PANEL_ROWS; r++)
            for (size_t b = 0; b < n; b++)
                memcpy(&half[b][r], row[r] + (b0 + b) * p->blk_stride - 2, 2);
        for (size_t b = 0; b < n; b++)
            V_STORE(p->d + (b0 + b) * PANEL_ROWS, V_LOADH(half[b]));
    }
}

/* Integer dots of 16 rows' blocks with one block of x. */
HINLINE __m512i dot_blocks(const int8_t *const *row, size_t at, const ds4_q8row *x, size_t b) {
    __m512i xv = _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)(x->q + b * 32)));
    __m512i fix = _mm512_maskz_set1_epi32(0x0101, x->fix[b]);
    __m512i v[8];
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) {
        __m512i w = two_rows(row[first_row(i)] + at, row[first_row(i) + 4] + at);
        v[i] = dot4(fix, _mm512_xor_si512(w, FLIP), xv);
    }
    return sum_rows(v);
}

HINLINE void gemv_panel(const ds4_panel *p, size_t k, const ds4_q8row *x, float *y, const int has_min) {
    const int8_t *row[PANEL_ROWS];
    __m512 acc = _mm512_setzero_ps();
    panel_rows(p, row);
    for (size_t b = 0; b < k / 32; b++) {
        __m512i sum = dot_blocks(row, b * p->blk_stride, x, b);
        __m512 s = _mm512_mul_ps(V_LOAD(p->d + b * PANEL_ROWS), _mm512_set1_ps(x->d[b]));
        acc = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), s, acc);
        for (size_t h = 2 * b; has_min && h < 2 * b + 2; h++)
            acc = _mm512_fnmadd_ps(V_LOAD(p->m + h * PANEL_ROWS), _mm512_set1_ps(x->xs[h]), acc);
    }
    _mm512_mask_storeu_ps(y, (__mmask16)((1u << p->rows) - 1), acc);
}

static void gemv_i8(const ds4_panel *p, size_t k, const ds4_q8row *x, float *y) {
    if (p->m)
        gemv_panel(p, k, x, y, 1);
    else
        gemv_panel(p, k, x, y, 0);
}

/* Sixteen rows are read side by side, which no hardware prefetcher follows; hence
 * the streams. Scales come by a gather of the words they begin. */
static void gemv_q8_0(const uint8_t *w, size_t row_bytes, size_t rows, size_t k, const ds4_q8row *x, float *y,
                      ds4_ahead *ahead) {
    const __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const char *streams[AHEAD_STREAMS];
    for (size_t r = 0; r < rows; r += PANEL_ROWS) {
        ds4_panel p = {.q = (const int8_t *)w + r * row_bytes + 2, .row_stride = row_bytes, .blk_stride = 34};
        p.rows = rows - r < PANEL_ROWS ? rows - r : PANEL_ROWS;
        const int8_t *row[PANEL_ROWS];
        __m512i last = _mm512_set1_epi32((int)p.rows - 1);
        __m512i offset = _mm512_mullo_epi32(_mm512_min_epi32(lane, last), _mm512_set1_epi32((int)row_bytes));
        __m512 acc = _mm512_setzero_ps();
        panel_rows(&p, row);
        ds4_ahead_step(ahead, p.rows * row_bytes, streams);
        for (size_t b = 0; b < k / 32; b++) {
#pragma GCC unroll 4
            for (int i = 0; i < AHEAD_STREAMS; i++) { /* 16 * 34 / 4 bytes each */
                _mm_prefetch(streams[i] + b * 136, _MM_HINT_T0);
                _mm_prefetch(streams[i] + b * 136 + 64, _MM_HINT_T0);
                _mm_prefetch(streams[i] + b * 136 + 128, _MM_HINT_T0);
            }
            __m512i half = _mm512_i32gather_epi32(offset, p.q + b * 34 - 2, 1);
            __m512 d = _mm512_cvtph_ps(_mm512_cvtepi32_epi16(half));
            __m512 s = _mm512_mul_ps(d, _mm512_set1_ps(x->d[b]));
            acc = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot_blocks(row, b * 34, x, b)), s, acc);
        }
        _mm512_mask_storeu_ps(y + r, (__mmask16)((1u << p.rows) - 1), acc);
    }
}

HINLINE int32_t word_at(const int8_t *p) {
    int32_t w;
    memcpy(&w, p, 4);
    return w;
}

/* Four rows against C tiles of 16 tokens; out[(r * C + c) * 16 + token]. */
HINLINE void gemm_rows4(const ds4_panel *p, size_t r0, size_t k, const uint8_t *const *xq,
                        const float *const *xd, const float *const *xs, float *out, const int C,
                        const int has_min) {
    const int8_t *row[4] = {panel_row(p, r0), panel_row(p, r0 + 1), panel_row(p, r0 + 2), panel_row(p, r0 + 3)};
    __m512 acc[4 * 2];
#pragma GCC unroll 8
    for (int i = 0; i < 4 * C; i++)
        acc[i] = _mm512_setzero_ps();
    for (size_t b = 0; b < k / 32; b++) {
        __m512i sum[4 * 2];
#pragma GCC unroll 4
        for (int r = 0; r < 4; r++)
#pragma GCC unroll 2
            for (int c = 0; c < C; c++)
                sum[r * C + c] = _mm512_set1_epi32(p->fix[b * PANEL_ROWS + r0 + (size_t)r]);
#pragma GCC unroll 8
        for (size_t j = 0; j < 8; j++) {
            __m512i x[2];
#pragma GCC unroll 2
            for (int c = 0; c < C; c++)
                x[c] = _mm512_loadu_si512(xq[c] + (b * 8 + j) * 64);
#pragma GCC unroll 4
            for (int r = 0; r < 4; r++) {
                __m512i w = _mm512_set1_epi32(word_at(row[r] + b * p->blk_stride + 4 * j));
#pragma GCC unroll 2
                for (int c = 0; c < C; c++)
                    sum[r * C + c] = dot4(sum[r * C + c], x[c], w);
            }
        }
#pragma GCC unroll 2
        for (int c = 0; c < C; c++) {
            __m512 dv = V_LOAD(xd[c] + b * 16);
#pragma GCC unroll 4
            for (int r = 0; r < 4; r++) {
                __m512 s = _mm512_mul_ps(_mm512_set1_ps(p->d[b * PANEL_ROWS + r0 + (size_t)r]), dv);
                acc[r * C + c] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum[r * C + c]), s, acc[r * C + c]);
                for (size_t h = 2 * b; has_min && h < 2 * b + 2; h++)
                    acc[r * C + c] = _mm512_fnmadd_ps(_mm512_set1_ps(p->m[h * PANEL_ROWS + r0 + (size_t)r]),
                                                      V_LOAD(xs[c] + h * 16), acc[r * C + c]);
            }
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < 4 * C; i++)
        V_STORE(out + i * 16, acc[i]);
}

/* out[(r * C + c) * 16 + token] of 16 rows to y[token * ldy + r]. */
HINLINE void store_tile(const float *out, size_t rows, size_t toks, float *y, size_t ldy, const int C) {
    __mmask16 mask = (__mmask16)((1u << rows) - 1);
    __m512i v[16];
    for (size_t r = 0; r < 16; r++)
        v[r] = _mm512_loadu_si512(out + r * (size_t)C * 16);
    transpose16(v);
    for (size_t t = 0; t < toks; t++)
        _mm512_mask_storeu_epi32(y + t * ldy, mask, v[t]);
}

HINLINE void gemm_tiles(const ds4_panel *p, size_t k, const ds4_q8tile *tiles, size_t first, size_t toks,
                        float *y, size_t ldy, const int C) {
    float out[16 * 2 * 16] __attribute__((aligned(64)));
    const uint8_t *xq[2];
    const float *xd[2], *xs[2];
    for (int c = 0; c < C; c++) {
        size_t t = first + (size_t)c;
        xq[c] = tiles->q + t * k * 16;
        xd[c] = tiles->d + t * (k / 32) * 16;
        xs[c] = p->m ? tiles->xs + t * (k / 16) * 16 : NULL;
    }
    for (size_t r = 0; r < p->rows; r += 4)
        if (p->m)
            gemm_rows4(p, r, k, xq, xd, xs, out + r * (size_t)C * 16, C, 1);
        else
            gemm_rows4(p, r, k, xq, xd, xs, out + r * (size_t)C * 16, C, 0);
    for (int c = 0; c < C; c++) {
        size_t t = (first + (size_t)c) * 16;
        store_tile(out + c * 16, p->rows, toks - t < 16 ? toks - t : 16, y + t * ldy, ldy, C);
    }
}

static void gemm_i8(const ds4_panel *p, size_t k, const ds4_q8tile *tiles, size_t toks, float *y, size_t ldy) {
    size_t n = (toks + 15) / 16, t = 0;
    for (; t + 2 <= n; t += 2)
        gemm_tiles(p, k, tiles, t, toks, y, ldy, 2);
    if (t < n)
        gemm_tiles(p, k, tiles, t, toks, y, ldy, 1);
}
