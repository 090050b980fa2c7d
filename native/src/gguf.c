/* gguf.c - opening GGUF v3 files.
 *
 * A file is mapped, never copied, and never trusted. Opening walks the header
 * once with a cursor that knows how many bytes are left, so that
 *   1. every count is compared with the bytes that could hold so many things
 *      before memory is set aside for them (a small file cannot ask for much);
 *   2. every string, array and tensor lies inside the file;
 *   3. keys and tensor names are unique, tensors aligned and disjoint.
 * After that the getters read without checks. Weights are not touched: opening
 * costs time in the size of the metadata only.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "gguf_impl.h"
#include "model.h"

enum { HEADER_BYTES = 24, DEFAULT_ALIGNMENT = 32, MIN_ALIGNMENT = 8, MAX_ALIGNMENT = 1 << 24 };

bool gguf_take(gguf_cursor *c, void *out, uint64_t n) {
    if ((uint64_t)(c->end - c->p) < n) return false;
    memcpy(out, c->p, n);
    c->p += n;
    return true;
}

bool gguf_take_str(gguf_cursor *c, const char **s, uint64_t *len) {
    uint64_t n;
    if (!gguf_take(c, &n, 8)) return false;
    if ((uint64_t)(c->end - c->p) < n) return false;
    *s = (const char *)c->p;
    *len = n;
    c->p += n;
    return true;
}

static ds4_status read_header(gguf *g, gguf_cursor *c, ds4_error *err) {
    char magic[4];
    uint32_t version;
    if (g->size < HEADER_BYTES)
        return ds4_fail(err, DS4_ERR_FORMAT, "gguf: the file has %llu bytes, a header alone needs %d",
                        (unsigned long long)g->size, HEADER_BYTES);
    gguf_take(c, magic, 4);
    if (memcmp(magic, "GGUF", 4) != 0) {
        ds4_quoted q;
        return ds4_fail(err, DS4_ERR_FORMAT, "gguf: the file starts with %s, expected \"GGUF\"",
                        ds4_quote(&q, magic, 4));
    }
    gguf_take(c, &version, 4);
    if (version != 3)
        return ds4_fail(err, DS4_ERR_UNSUPPORTED, "gguf: version is %u, expected 3 (little endian)", version);
    gguf_take(c, &g->n_tensors, 8);
    gguf_take(c, &g->n_kv, 8);
    return DS4_OK;
}

static ds4_status read_alignment(gguf *g, ds4_error *err) {
    g->alignment = DEFAULT_ALIGNMENT;
    if (!gguf_has(g, "general.alignment")) return DS4_OK;
    if (!gguf_u64(g, "general.alignment", &g->alignment))
        return ds4_fail(err, DS4_ERR_FORMAT, "gguf: general.alignment is not an integer");
    if (g->alignment < MIN_ALIGNMENT || g->alignment > MAX_ALIGNMENT || (g->alignment & (g->alignment - 1)))
        return ds4_fail(err, DS4_ERR_FORMAT,
                        "gguf: general.alignment is %llu, expected a power of two from %d to %d",
                        (unsigned long long)g->alignment, MIN_ALIGNMENT, MAX_ALIGNMENT);
    return DS4_OK;
}

static ds4_status parse(gguf *g, ds4_error *err) {
    gguf_cursor c = {g->bytes, g->bytes, g->bytes + g->size};
    ds4_status st = read_header(g, &c, err);
    if (st == DS4_OK) st = gguf_read_metadata(g, &c, err);
    if (st == DS4_OK) st = read_alignment(g, err);
    if (st == DS4_OK) st = gguf_read_tensors(g, &c, err);
    return st;
}

ds4_status gguf_open_bytes(const void *bytes, uint64_t size, gguf **out, ds4_error *err) {
    gguf *g = calloc(1, sizeof *g);
    if (!g) return ds4_fail(err, DS4_ERR_MEMORY, "gguf: out of memory");
    g->bytes = bytes;
    g->size = size;
    ds4_status st = parse(g, err);
    if (st != DS4_OK) {
        gguf_close(g);
        return st;
    }
    *out = g;
    return DS4_OK;
}

/* O_NONBLOCK: a FIFO in place of a model must be refused, not waited for. */
static ds4_status map_file(const char *path, void **map, uint64_t *size, ds4_error *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return ds4_fail(err, DS4_ERR_IO, "cannot open %s: %s", path, strerror(errno));
    struct stat sb;
    ds4_status st = DS4_OK;
    if (fstat(fd, &sb) != 0) {
        st = ds4_fail(err, DS4_ERR_IO, "cannot stat %s: %s", path, strerror(errno));
    } else if (!S_ISREG(sb.st_mode)) {
        st = ds4_fail(err, DS4_ERR_IO, "%s is not a regular file", path);
    } else if (sb.st_size == 0) {
        st = ds4_fail(err, DS4_ERR_FORMAT, "%s is empty, expected a GGUF file", path);
    } else {
        *size = (uint64_t)sb.st_size;
        *map = mmap(NULL, (size_t)*size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (*map == MAP_FAILED) st = ds4_fail(err, DS4_ERR_IO, "cannot map %s: %s", path, strerror(errno));
    }
    close(fd);
    return st;
}

ds4_status gguf_open(const char *path, gguf **out, ds4_error *err) {
    void *map = NULL;
    uint64_t size = 0;
    ds4_status st = map_file(path, &map, &size, err);
    if (st != DS4_OK) return st;
    st = gguf_open_bytes(map, size, out, err);
    if (st != DS4_OK) {
        munmap(map, (size_t)size);
        return st;
    }
    (*out)->mapped = true;
    return DS4_OK;
}

void gguf_close(gguf *g) {
    if (!g) return;
    for (uint64_t i = 0; g->kv && i < g->n_kv; i++) free(g->kv[i].strings);
    free(g->kv);
    free(g->kv_by_key);
    free(g->tensors);
    free(g->tensor_by_name);
    free(g->names);
    if (g->mapped) munmap((void *)(uintptr_t)g->bytes, (size_t)g->size);
    free(g);
}

uint64_t gguf_file_size(const gguf *g) { return g->size; }
