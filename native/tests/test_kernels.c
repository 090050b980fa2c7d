/* Every kernel set against plain arithmetic, and each result the same whatever
 * tile it was computed in. */
#include <math.h>
#include <string.h>

#include "check.h"
#include "kernels.h"
#include "matmul.h"
#include "quant.h"

enum { ROWS = 37, TOKS = 45, K = 352, BLOCKS = K / 32 }; /* no multiple of any tile */

static uint64_t rng = 11;

static float noise(void) {
    rng = rng * 6364136223846793005u + 1442695040888963407u;
    return (float)(int32_t)(rng >> 32) / 2147483648.0f;
}

static float w[ROWS * K], x[TOKS * K], y[TOKS * ROWS];
static uint16_t half[ROWS * K];
static uint8_t q8[ROWS * BLOCKS * 34];

static void make_weights(void) {
    for (size_t i = 0; i < ROWS * K; i++) {
        half[i] = ds4_f32_to_f16(noise());
        w[i] = ds4_f16_to_f32(half[i]);
    }
    for (size_t i = 0; i < TOKS * K; i++) x[i] = noise();
    for (size_t i = 0; i < sizeof q8; i++) q8[i] = (uint8_t)(noise() * 127);
    for (size_t i = 0; i < ROWS * BLOCKS; i++) {
        uint16_t d = ds4_f32_to_f16(0.001f + 0.001f * fabsf(noise()));
        memcpy(q8 + i * 34, &d, 2);
    }
    q8[2] = 0x80; /* -128 is a valid weight */
}

static void test_float_dots(const struct kernels *k) {
    float one[ROWS];
    k->dot_f32(w, K, ROWS, x, K, TOKS, K, y, ROWS);
    for (size_t t = 0; t < TOKS; t++) {
        for (size_t r = 0; r < ROWS; r++) {
            double sum = 0;
            for (size_t i = 0; i < K; i++) sum += (double)w[r * K + i] * x[t * K + i];
            CHECK(fabs(y[t * ROWS + r] - sum) < 1e-4, "%s: row %zu, token %zu", k->name, r, t);
        }
        for (size_t n = 1; n <= ROWS; n += 5) {
            k->dot_f32(w + (ROWS - n) * K, K, n, x + t * K, K, 1, K, one, ROWS);
            CHECK(memcmp(one, y + t * ROWS + ROWS - n, n * sizeof *one) == 0, "%s: %zu rows alone", k->name, n);
        }
        k->gemv_f16(half, K, ROWS, x + t * K, K, one, NULL);
        CHECK(memcmp(one, y + t * ROWS, sizeof one) == 0, "%s: f16", k->name);
    }
}

/* Room for TOKS rows and their tiles. */
static ds4_acts quantized(const struct kernels *k) {
    size_t n = TOKS + LANES_MAX;
    ds4_acts a = {.toks = TOKS, .k = K, .f = x, .ldf = K};
    a.row = (ds4_q8row){malloc(n * K), malloc(n * BLOCKS * 4), malloc(n * BLOCKS * 4), malloc(n * BLOCKS * 8)};
    a.tile = (ds4_q8tile){malloc(n * K), malloc(n * BLOCKS * 4), malloc(n * BLOCKS * 8)};
    for (size_t t = 0; t < TOKS; t += k->lanes) {
        ds4_q8row rows[LANES_MAX];
        size_t m = TOKS - t < k->lanes ? TOKS - t : k->lanes;
        for (size_t i = 0; i < m; i++) {
            rows[i] = ds4_q8row_at(&a.row, K, t + i);
            k->quantize(x + (t + i) * K, K, &rows[i]);
        }
        ds4_q8tile tile = ds4_q8tile_at(&a.tile, k->lanes, K, t / k->lanes);
        k->pack(rows, m, K, &tile);
    }
    return a;
}

static void release(ds4_acts *a) {
    void *all[] = {a->row.q, a->row.d, a->row.fix, a->row.xs, a->tile.q, a->tile.d, a->tile.xs};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

static void test_quantize(const struct kernels *k, const ds4_acts *a) {
    for (size_t t = 0; t < TOKS; t++)
        for (size_t i = 0; i < K; i++) {
            float d = a->row.d[t * BLOCKS + i / 32];
            CHECK(fabsf(a->row.q[t * K + i] * d - x[t * K + i]) <= d * 0.5001f, "%s: value %zu", k->name, i);
        }
    float zeros[64] = {0};
    int8_t q[64];
    float d[2], xs[4];
    int32_t fix[2];
    k->quantize(zeros, 64, &(ds4_q8row){q, d, fix, xs});
    CHECK(d[0] == 0 && q[0] == 0 && fix[1] == 0 && xs[3] == 0, "%s: a block of zeros", k->name);
}

/* A matrix of any integer type, one token at a time and all at once, against the
 * dequantised weights times the dequantised activations. */
static void test_int(const struct kernels *k, const ds4_acts *a, uint32_t type, const uint8_t *data, size_t cols) {
    ds4_mat m = {.type = type, .data = data, .row_bytes = ds4_row_bytes(type, cols), .rows = ROWS, .k = cols};
    ds4_mm_scratch s;
    void *mem = malloc(ds4_mm_scratch_size(cols) + 64);
    float one[ROWS], row[K];
    ds4_mm_scratch_init(&s, (void *)(((uintptr_t)mem + 63) / 64 * 64), cols);
    ds4_matmul(k, &s, &m, 0, ROWS, a, y, ROWS, NULL);
    for (size_t t = 0; t < TOKS; t++) {
        ds4_acts token = {.toks = 1, .k = cols, .row = ds4_q8row_at(&a->row, cols, t)};
        ds4_matmul(k, &s, &m, 0, 20, &token, one, 0, NULL);
        ds4_matmul(k, &s, &m, 20, ROWS, &token, one, 0, NULL);
        CHECK(memcmp(one, y + t * ROWS, sizeof one) == 0, "%s, type %u: token %zu alone", k->name, type, t);
        for (size_t r = 0; r < ROWS; r++) {
            double sum = 0, size = 0;
            ds4_dequant_row(type, data + r * m.row_bytes, row, cols);
            for (size_t i = 0; i < cols; i++) {
                double term = (double)row[i] * token.row.q[i] * token.row.d[i / 32];
                sum += term;
                size += fabs(term);
            }
            CHECK(fabs(one[r] - sum) <= 2e-5 * size, "%s, type %u: row %zu is %g, expected %g", k->name, type, r,
                  (double)one[r], sum);
        }
    }
    free(mem);
}

static void test_k_types(const struct kernels *k) {
    static const struct {
        uint32_t type;
        size_t bytes, scale[2];
    } types[] = {{12, 144, {0, 2}}, {10, 84, {80, 82}}, {16, 66, {0, 0}}};
    static float x256[TOKS * 256];
    ds4_acts a = quantized(k); /* its rows hold TOKS * K values, enough for 256 a token */
    for (size_t i = 0; i < TOKS * 256; i++) x256[i] = noise();
    a.k = 256;
    for (size_t t = 0; t < TOKS; t += k->lanes) {
        ds4_q8row rows[LANES_MAX];
        size_t n = TOKS - t < k->lanes ? TOKS - t : k->lanes;
        for (size_t i = 0; i < n; i++) {
            rows[i] = ds4_q8row_at(&a.row, 256, t + i);
            k->quantize(x256 + (t + i) * 256, 256, &rows[i]);
        }
        ds4_q8tile tile = ds4_q8tile_at(&a.tile, k->lanes, 256, t / k->lanes);
        k->pack(rows, n, 256, &tile);
    }
    for (size_t i = 0; i < 3; i++) {
        static uint8_t data[ROWS * 144];
        for (size_t j = 0; j < sizeof data; j++) data[j] = (uint8_t)(noise() * 128);
        for (size_t r = 0; r < ROWS; r++)
            for (int s = 0; s < 2; s++) {
                uint16_t d = ds4_f32_to_f16(0.01f * noise());
                memcpy(data + r * types[i].bytes + types[i].scale[s], &d, 2);
            }
        test_int(k, &a, types[i].type, data, 256);
    }
    release(&a);
}

static void test_attention_parts(const struct kernels *k) {
    enum { Q = 7, T = 150, W = 44 };
    static float p[Q * T], rows[T * W], out[Q * W], padded[Q * W], sum[LANES_MAX];
    for (size_t i = 0; i < Q * T; i++) p[i] = i % 5 ? fabsf(noise()) : 0.0f;
    for (size_t i = 0; i < T * W; i++) rows[i] = noise();
    memset(out, 0, sizeof out);
    k->weigh(out, W, p, T, Q, rows, W, T, W);
    for (size_t q = 0; q < Q; q++) {
        memset(padded, 0, sizeof padded);
        for (size_t t = 0; t < T; t++) /* row by row, leaving out the zeros */
            if (p[q * T + t] != 0) k->weigh(padded, W, p + q * T + t, T, 1, rows + t * W, W, 1, W);
        CHECK(memcmp(padded, out + q * W, W * sizeof *out) == 0, "%s: a row of weight 0 changes nothing", k->name);
    }
    memcpy(rows, p, sizeof p);
    memset(sum, 0, sizeof sum);
    k->exp_sum(rows, T, 3.0f, 1.0f, sum);
    double total = 0;
    for (size_t t = 0; t < T; t++) {
        double e = exp(3.0 * p[t] - 1.0);
        CHECK(fabs(rows[t] - e) < 3e-7 * e, "%s: exp", k->name);
        total += e;
    }
    CHECK(fabs(k->sum_lanes(sum) - total) < 1e-5 * total, "%s: sum", k->name);
    float edge[4] = {-INFINITY, -200.0f, 0.0f, -86.0f};
    k->exp_sum(edge, 4, 1.0f, 0.0f, sum);
    CHECK(edge[0] == 0 && edge[1] == 0 && edge[2] == 1 && edge[3] > 0, "%s: exp at its ends", k->name);
    CHECK(k->max(p, 1, 2.0f) == 2.0f && k->max(p, Q * T, -1.0f) < 1.0f, "%s: max", k->name);
}

int main(void) {
    const struct kernels *(*const sets[])(void) = {ds4_kernels_scalar, ds4_kernels_avx2, ds4_kernels_avx512,
                                                   ds4_kernels_avx512_base, ds4_kernels_neon};
    make_weights();
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        const struct kernels *k = sets[i]();
        if (!k) continue;
        ds4_acts a = quantized(k);
        test_float_dots(k);
        test_quantize(k, &a);
        test_int(k, &a, 8, q8, K);
        test_k_types(k);
        test_attention_parts(k);
        release(&a);
    }
    return 0;
}
