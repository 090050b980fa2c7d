/* matmul.h - weights of any type times activations. Internal. */
#ifndef DS4_MATMUL_H
#define DS4_MATMUL_H

#include "gguf.h"
#include "kernels.h"

/* A matrix in the file: rows of k inputs. */
typedef struct {
    uint32_t type;
    const uint8_t *data;
    size_t row_bytes, rows, k;
} ds4_mat;

/* Activations of toks tokens. f: float rows, always there. row: int8 rows (one
 * after another in each array), tile: the same packed; either is needed only for
 * integer weights, tile only for toks > 1. */
typedef struct {
    size_t toks, k;
    const float *f;
    size_t ldf;
    ds4_q8row row;
    ds4_q8tile tile;
} ds4_acts;

/* A thread's room for one panel of rows. */
typedef struct {
    ds4_panel panel;
    int8_t *q;
    float *m;
    float *wide;
} ds4_mm_scratch;

/* Bytes for rows of up to k inputs; init carves them up. */
size_t ds4_mm_scratch_size(size_t k);
void ds4_mm_scratch_init(ds4_mm_scratch *s, void *mem, size_t k);

ds4_mat ds4_mat_of(const gguf_tensor *t);
/* Slice e of a {k, rows, n} tensor. */
ds4_mat ds4_mat_slice(const gguf_tensor *t, size_t e);

/* y[t * ldy + r] for rows r0 <= r < r1. ahead: for one token, the queue these rows
 * are the front of, or NULL. */
void ds4_matmul(const struct kernels *kn, ds4_mm_scratch *s, const ds4_mat *w, size_t r0, size_t r1,
                const ds4_acts *x, float *y, size_t ldy, ds4_ahead *ahead);

/* Row t of int8 rows that lie one after another. */
ds4_q8row ds4_q8row_at(const ds4_q8row *base, size_t k, size_t t);
/* Tile i of packed tiles. */
ds4_q8tile ds4_q8tile_at(const ds4_q8tile *base, size_t lanes, size_t k, size_t i);

#endif
