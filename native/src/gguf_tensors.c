/* gguf_tensors.c - the tensor directory: names, shapes, types, extents. */
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "gguf_impl.h"
#include "model.h"

/* The least a directory entry takes: name length, one byte of name, number of
 * dimensions, one dimension, type, offset. */
enum { MIN_ENTRY_BYTES = 8 + 1 + 4 + 8 + 4 + 8, MAX_NAME_BYTES = 255, MAX_DIMS = 4 };

/* Every type that files hold has a name here, for error messages; the ones
 * this engine computes with have a block layout. */
static const struct {
    const char *name;
    uint16_t elems, bytes;
} types[] = {
    [0] = {"F32", 1, 4},      [1] = {"F16", 1, 2},     [2] = {"Q4_0", 0, 0},        [3] = {"Q4_1", 0, 0},
    [6] = {"Q5_0", 0, 0},     [7] = {"Q5_1", 0, 0},    [8] = {"Q8_0", 32, 34},      [9] = {"Q8_1", 0, 0},
    [10] = {"Q2_K", 256, 84}, [11] = {"Q3_K", 0, 0},   [12] = {"Q4_K", 256, 144},   [13] = {"Q5_K", 0, 0},
    [14] = {"Q6_K", 0, 0},    [15] = {"Q8_K", 0, 0},   [16] = {"IQ2_XXS", 256, 66}, [17] = {"IQ2_XS", 0, 0},
    [18] = {"IQ3_XXS", 0, 0}, [19] = {"IQ1_S", 0, 0},  [20] = {"IQ4_NL", 0, 0},     [21] = {"IQ3_S", 0, 0},
    [22] = {"IQ2_S", 0, 0},   [23] = {"IQ4_XS", 0, 0}, [24] = {"I8", 0, 0},         [25] = {"I16", 0, 0},
    [26] = {"I32", 1, 4},     [27] = {"I64", 0, 0},    [28] = {"F64", 0, 0},        [29] = {"IQ1_M", 0, 0},
    [30] = {"BF16", 1, 2},    [34] = {"TQ1_0", 0, 0},  [35] = {"TQ2_0", 0, 0},      [39] = {"MXFP4", 0, 0},
};
enum { N_TYPES = sizeof types / sizeof *types };

uint32_t gguf_block_elems(uint32_t type) { return type < N_TYPES ? types[type].elems : 0; }
uint32_t gguf_block_bytes(uint32_t type) { return type < N_TYPES ? types[type].bytes : 0; }

const char *gguf_type_name(uint32_t type) {
    return type < N_TYPES && types[type].name ? types[type].name : "unknown";
}

static ds4_status read_name(gguf_cursor *c, uint64_t i, char **names, gguf_tensor *t, ds4_error *err) {
    unsigned long long where = (unsigned long long)(c->p - c->base);
    const char *s;
    uint64_t len;
    if (!gguf_take_str(c, &s, &len))
        return ds4_fail(err, DS4_ERR_FORMAT,
                        "gguf: the name of tensor %llu at byte %llu reaches past the end of the file",
                        (unsigned long long)i, where);
    if (len == 0 || len > MAX_NAME_BYTES || memchr(s, 0, len))
        return ds4_fail(
            err, DS4_ERR_FORMAT,
            "gguf: the name of tensor %llu at byte %llu has %llu bytes, expected 1 to %d without NUL",
            (unsigned long long)i, where, (unsigned long long)len, MAX_NAME_BYTES);
    t->name = *names;
    memcpy(*names, s, len);
    (*names)[len] = '\0';
    *names += len + 1;
    return DS4_OK;
}

static ds4_status bad(const gguf_tensor *t, ds4_error *err, const char *what, uint64_t found,
                      const char *expected) {
    ds4_quoted q;
    return ds4_fail(err, DS4_ERR_FORMAT, "gguf: tensor %s: %s is %llu, expected %s",
                    ds4_quote(&q, t->name, strlen(t->name)), what, (unsigned long long)found, expected);
}

static ds4_status read_dims(gguf_cursor *c, gguf_tensor *t, ds4_error *err) {
    ds4_quoted q;
    bool whole = gguf_take(c, &t->n_dims, 4);
    if (whole && (t->n_dims < 1 || t->n_dims > MAX_DIMS))
        return bad(t, err, "the number of dimensions", t->n_dims, "1 to 4");
    for (uint32_t d = 0; d < MAX_DIMS; d++) t->ne[d] = 1;
    for (uint32_t d = 0; whole && d < t->n_dims; d++) {
        whole = gguf_take(c, &t->ne[d], 8);
        if (whole && t->ne[d] == 0) return bad(t, err, "a dimension", 0, "at least 1");
    }
    if (!whole)
        return ds4_fail(err, DS4_ERR_FORMAT, "gguf: the entry of tensor %s reaches past the end of the file",
                        ds4_quote(&q, t->name, strlen(t->name)));
    return DS4_OK;
}

/* Bytes of a tensor, with every product checked. A type without a known layout
 * counts as no bytes: its place is checked, and binding refuses to use it. */
static ds4_status size_tensor(gguf_tensor *t, uint64_t file_size, ds4_error *err) {
    uint64_t blocks, bytes = 0, elems = gguf_block_elems(t->type);
    ds4_quoted q;
    if (elems == 0) return DS4_OK;
    if (t->ne[0] % elems != 0)
        return ds4_fail(err, DS4_ERR_FORMAT,
                        "gguf: tensor %s: a row has %llu elements, expected a multiple of %u for %s",
                        ds4_quote(&q, t->name, strlen(t->name)), (unsigned long long)t->ne[0],
                        (unsigned)elems, gguf_type_name(t->type));
    blocks = t->ne[0] / elems;
    bool over = false;
    for (int d = 1; d < MAX_DIMS; d++) over |= __builtin_mul_overflow(blocks, t->ne[d], &blocks);
    over |= __builtin_mul_overflow(blocks, (uint64_t)gguf_block_bytes(t->type), &bytes);
    if (over || bytes > file_size)
        return ds4_fail(err, DS4_ERR_FORMAT,
                        "gguf: tensor %s of %llux%llux%llux%llu %s takes more bytes than the file's %llu",
                        ds4_quote(&q, t->name, strlen(t->name)), (unsigned long long)t->ne[0],
                        (unsigned long long)t->ne[1], (unsigned long long)t->ne[2],
                        (unsigned long long)t->ne[3], gguf_type_name(t->type), (unsigned long long)file_size);
    t->nbytes = bytes;
    return DS4_OK;
}

/* The offset is kept in data until the end of the directory, where the data begins, is known. */
static ds4_status read_entry(gguf *g, gguf_cursor *c, uint64_t i, char **names, ds4_error *err) {
    gguf_tensor *t = &g->tensors[i];
    uint64_t offset;
    ds4_quoted q;
    ds4_status st = read_name(c, i, names, t, err);
    if (st == DS4_OK) st = read_dims(c, t, err);
    if (st != DS4_OK) return st;
    if (!gguf_take(c, &t->type, 4) || !gguf_take(c, &offset, 8))
        return ds4_fail(err, DS4_ERR_FORMAT, "gguf: the entry of tensor %s reaches past the end of the file",
                        ds4_quote(&q, t->name, strlen(t->name)));
    if (offset % g->alignment != 0)
        return ds4_fail(err, DS4_ERR_FORMAT,
                        "gguf: tensor %s: the offset is %llu, expected a multiple of the alignment %llu",
                        ds4_quote(&q, t->name, strlen(t->name)), (unsigned long long)offset,
                        (unsigned long long)g->alignment);
    if (offset > g->size)
        return ds4_fail(err, DS4_ERR_FORMAT, "gguf: tensor %s: the offset is %llu, but the file ends at %llu",
                        ds4_quote(&q, t->name, strlen(t->name)), (unsigned long long)offset,
                        (unsigned long long)g->size);
    t->data = g->bytes + offset;
    return size_tensor(t, g->size, err);
}

static ds4_status place(gguf *g, uint64_t data_start, ds4_error *err) {
    for (uint64_t i = 0; i < g->n_tensors; i++) {
        gguf_tensor *t = &g->tensors[i];
        uint64_t begin = data_start + (uint64_t)((const uint8_t *)t->data - g->bytes);
        if (begin > g->size || t->nbytes > g->size - begin) {
            ds4_quoted q;
            return ds4_fail(err, DS4_ERR_FORMAT,
                            "gguf: tensor %s: bytes %llu to %llu, but the file ends at %llu",
                            ds4_quote(&q, t->name, strlen(t->name)), (unsigned long long)begin,
                            (unsigned long long)(begin + t->nbytes), (unsigned long long)g->size);
        }
        t->data = g->bytes + begin;
    }
    return DS4_OK;
}

static int by_data(const void *a, const void *b) {
    const gguf_tensor *x = *(const gguf_tensor *const *)a, *y = *(const gguf_tensor *const *)b;
    return ((const char *)x->data > (const char *)y->data) - ((const char *)x->data < (const char *)y->data);
}

static int by_name(const void *a, const void *b) {
    return strcmp((*(const gguf_tensor *const *)a)->name, (*(const gguf_tensor *const *)b)->name);
}

static ds4_status refuse_pair(const gguf_tensor *a, const gguf_tensor *b, const char *what, ds4_error *err) {
    ds4_quoted p, q;
    return ds4_fail(err, DS4_ERR_FORMAT, "gguf: tensors %s and %s %s",
                    ds4_quote(&p, a->name, strlen(a->name)), ds4_quote(&q, b->name, strlen(b->name)), what);
}

/* One array serves two sorts: by place for the overlaps, then for good by name. */
static ds4_status index_tensors(gguf *g, ds4_error *err) {
    const gguf_tensor **v = g->tensor_by_name;
    for (uint64_t i = 0; i < g->n_tensors; i++) v[i] = &g->tensors[i];
    qsort(v, g->n_tensors, sizeof *v, by_data);
    for (uint64_t i = 1; i < g->n_tensors; i++)
        if ((const char *)v[i - 1]->data + v[i - 1]->nbytes > (const char *)v[i]->data)
            return refuse_pair(v[i - 1], v[i], "overlap in the file", err);
    qsort(v, g->n_tensors, sizeof *v, by_name);
    for (uint64_t i = 1; i < g->n_tensors; i++)
        if (by_name(&v[i - 1], &v[i]) == 0) return refuse_pair(v[i - 1], v[i], "have the same name", err);
    return DS4_OK;
}

ds4_status gguf_read_tensors(gguf *g, gguf_cursor *c, ds4_error *err) {
    uint64_t left = (uint64_t)(c->end - c->p), room = left / MIN_ENTRY_BYTES, n = g->n_tensors;
    if (n > room)
        return ds4_fail(err, DS4_ERR_FORMAT,
                        "gguf: %llu tensors at byte 8, but the file has room for at most %llu",
                        (unsigned long long)n, (unsigned long long)room);
    g->tensors = calloc(n ? n : 1, sizeof *g->tensors);
    g->tensor_by_name = calloc(n ? n : 1, sizeof *g->tensor_by_name);
    uint64_t name_room = n * (MAX_NAME_BYTES + 1);
    /* A name and its NUL fit in the bytes of its entry. */
    g->names = malloc((name_room < left ? name_room : left) + 1);
    if (!g->tensors || !g->tensor_by_name || !g->names)
        return ds4_fail(err, DS4_ERR_MEMORY, "gguf: out of memory");
    char *names = g->names;
    for (uint64_t i = 0; i < n; i++) {
        ds4_status st = read_entry(g, c, i, &names, err);
        if (st != DS4_OK) return st;
    }
    uint64_t header = (uint64_t)(c->p - c->base);
    ds4_status st = place(g, (header + g->alignment - 1) & ~(g->alignment - 1), err);
    return st == DS4_OK ? index_tensors(g, err) : st;
}

uint64_t gguf_n_tensors(const gguf *g) { return g->n_tensors; }
const gguf_tensor *gguf_tensor_at(const gguf *g, uint64_t i) { return &g->tensors[i]; }

const gguf_tensor *gguf_find(const gguf *g, const char *name) {
    uint64_t lo = 0, hi = g->n_tensors;
    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;
        int d = strcmp(name, g->tensor_by_name[mid]->name);
        if (d == 0) return g->tensor_by_name[mid];
        if (d < 0) hi = mid;
        else lo = mid + 1;
    }
    return NULL;
}
