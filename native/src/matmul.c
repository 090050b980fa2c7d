/* matmul.c - brings weights of any type to the kernels.
 *
 * Integer weights go a panel of 16 rows at a time: Q8_0 is used where it lies in
 * the file (only its scales are widened), the K types are unpacked into the
 * thread's scratch. Float weights other than F32 are used as they lie for one
 * token and widened a block of rows at a time for many; both give the same bits
 * since widening is exact.
 */
#include "matmul.h"

#include "quant.h"

#define WIDE_ROWS(k) ((k) >= 2048 ? 4 : 8192 / (k) / 4 * 4)

static size_t wide_floats(size_t k) {
    return k >= 2048 ? 4 * k : 8192;
}

size_t ds4_mm_scratch_size(size_t k) {
    size_t blocks = k / 32 + 1;
    return PANEL_ROWS * (k + blocks * 4 * 4) + wide_floats(k) * sizeof(float) + 4 * 64;
}

static void *take(char **mem, size_t n) {
    void *p = *mem;
    *mem += (n + 63) / 64 * 64;
    return p;
}

void ds4_mm_scratch_init(ds4_mm_scratch *s, void *mem, size_t k) {
    char *at = mem;
    size_t per_block = (k / 32 + 1) * PANEL_ROWS * sizeof(float);
    s->q = take(&at, PANEL_ROWS * k);
    s->panel.d = take(&at, per_block);
    s->panel.fix = take(&at, per_block);
    s->m = take(&at, 2 * per_block);
    s->wide = take(&at, wide_floats(k) * sizeof(float));
}

ds4_mat ds4_mat_slice(const gguf_tensor *t, size_t e) {
    ds4_mat w = {.type = t->type, .rows = t->ne[1], .k = t->ne[0]};
    w.row_bytes = ds4_row_bytes(t->type, w.k);
    w.data = (const uint8_t *)t->data + e * w.rows * w.row_bytes;
    return w;
}

ds4_mat ds4_mat_of(const gguf_tensor *t) {
    return ds4_mat_slice(t, 0);
}

ds4_q8row ds4_q8row_at(const ds4_q8row *base, size_t k, size_t t) {
    return (ds4_q8row){base->q + t * k, base->d + t * (k / 32), base->fix + t * (k / 32),
                       base->xs + t * (k / 16)};
}

ds4_q8tile ds4_q8tile_at(const ds4_q8tile *base, size_t lanes, size_t k, size_t i) {
    return (ds4_q8tile){base->q + i * lanes * k, base->d + i * lanes * (k / 32),
                        base->xs ? base->xs + i * lanes * (k / 16) : NULL};
}

static void make_panel(const struct kernels *kn, ds4_mm_scratch *s, const ds4_mat *w, size_t r, size_t rows,
                       bool want_fix) {
    ds4_panel *p = &s->panel;
    const uint8_t *src = w->data + r * w->row_bytes;
    p->rows = rows;
    p->m = ds4_type_has_min(w->type) ? s->m : NULL;
    if (w->type == GGUF_Q8_0) {
        p->q = (const int8_t *)src + 2;
        p->row_stride = w->row_bytes;
        p->blk_stride = 34;
        kn->scales_q8_0(p, w->k);
    } else {
        p->q = s->q;
        p->row_stride = w->k;
        p->blk_stride = 32;
        for (size_t i = 0; i < rows; i++)
            ds4_unpack_row(w->type, src + i * w->row_bytes, w->k, s->q + i * w->k, p->d + i, s->m + i,
                           PANEL_ROWS);
    }
    if (want_fix)
        kn->block_sums(p, w->k);
}

static void matmul_int(const struct kernels *kn, ds4_mm_scratch *s, const ds4_mat *w, size_t r0, size_t r1,
                       const ds4_acts *x, float *y, size_t ldy) {
    for (size_t r = r0; r < r1; r += PANEL_ROWS) {
        size_t rows = r1 - r < PANEL_ROWS ? r1 - r : PANEL_ROWS;
        make_panel(kn, s, w, r, rows, x->toks > 1);
        if (x->toks == 1)
            kn->gemv_i8(&s->panel, w->k, &x->row, y + r);
        else
            kn->gemm_i8(&s->panel, w->k, &x->tile, x->toks, y + r, ldy);
    }
}

static void widen(const struct kernels *kn, const ds4_mat *w, size_t r, size_t rows, float *dst) {
    const uint16_t *src = (const uint16_t *)(w->data + r * w->row_bytes);
    if (w->type == GGUF_F16)
        kn->widen_f16(dst, src, rows * w->k);
    else
        ds4_dequant_row(GGUF_BF16, src, dst, rows * w->k);
}

static void matmul_half(const struct kernels *kn, ds4_mm_scratch *s, const ds4_mat *w, size_t r0, size_t r1,
                        const ds4_acts *x, float *y, size_t ldy) {
    size_t step = WIDE_ROWS(w->k);
    for (size_t r = r0; r < r1; r += step) {
        size_t rows = r1 - r < step ? r1 - r : step;
        widen(kn, w, r, rows, s->wide);
        kn->dot_f32(s->wide, w->k, rows, x->f, x->ldf, x->toks, w->k, y + r, ldy);
    }
}

void ds4_matmul(const struct kernels *kn, ds4_mm_scratch *s, const ds4_mat *w, size_t r0, size_t r1,
                const ds4_acts *x, float *y, size_t ldy, ds4_ahead *ahead) {
    const uint8_t *rows = w->data + r0 * w->row_bytes;
    const char *unused[AHEAD_STREAMS];
    if (r1 == r0)
        return;
    if (x->toks == 1 && w->type == GGUF_Q8_0) {
        kn->gemv_q8_0(rows, w->row_bytes, r1 - r0, w->k, &x->row, y + r0, ahead);
        return;
    }
    if (x->toks == 1 && w->type == GGUF_F16) {
        kn->gemv_f16((const uint16_t *)rows, w->k, r1 - r0, x->f, w->k, y + r0, ahead);
        return;
    }
    ds4_ahead_step(ahead, (r1 - r0) * w->row_bytes, unused);
    if (ds4_type_is_int(w->type))
        matmul_int(kn, s, w, r0, r1, x, y, ldy);
    else if (w->type == GGUF_F32)
        kn->dot_f32((const float *)rows, w->k, r1 - r0, x->f, x->ldf, x->toks, w->k, y + r0, ldy);
    else
        matmul_half(kn, s, w, r0, r1, x, y, ldy);
}
