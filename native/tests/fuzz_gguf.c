/* Broken model files: fuzz_gguf N [SEED [FIRST]]
 *
 * Each of N files is a small whole model with a few mutations, most of them in
 * the fields that steer the reader: counts, lengths, types, dimensions, offsets.
 * A file is pushed as far as it goes: reading, tokenizer, binding, opening, a few
 * tokens through the forward pass. Nothing may crash, hang or read outside the
 * file; run it with the sanitizers on. The mutations of file i depend on SEED and
 * i alone: `fuzz_gguf 1 SEED i` does it again. */
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "model.h"
#include "tiny_model.h"
#include "tokenizer.h"

typedef struct {
    uint8_t *bytes;
    size_t size, header; /* header: bytes before the first tensor's data */
    gguf_builder built;
} seed_file;

typedef struct {
    uint8_t *bytes;
    size_t size;
} mutant;

enum { STAGES = 5 };
static const char *const stage_names[STAGES] = {"read", "tokenizer", "bound", "opened", "evaluated"};
static uint64_t reached[STAGES];
static uint64_t rng;

static uint64_t draw(uint64_t below) {
    rng ^= rng >> 12;
    rng ^= rng << 25;
    rng ^= rng >> 27;
    return (rng * 0x2545F4914F6CDD1Du >> 11) % below;
}

static uint64_t odd_value(uint64_t old) {
    static const uint64_t values[] = {
        0,          1,          2,          3,          4,          8,         31,         32,
        127,        128,        255,        256,        0x7fff,     0xffff,    0x7fffffff, 0x80000000u,
        0xffffffff, 1ull << 32, 1ull << 40, 1ull << 61, 1ull << 62, INT64_MAX, 1ull << 63, UINT64_MAX};
    switch (draw(5)) {
    case 0: return old + 1;
    case 1: return old - 1;
    case 2: return old ^ 1ull << draw(64);
    case 3: return old * 2;
    default: return values[draw(sizeof values / sizeof *values)];
    }
}

static void change_field(mutant *m, const seed_file *s) {
    const gguf_field *f = &s->built.fields[draw(s->built.n_fields)];
    gguf_field head = {8 + 8 * draw(2), 8, 0}; /* the two counts of the header */
    if (draw(20) == 0) f = &head;
    if (f->at + f->width > m->size) return;
    uint64_t v = 0;
    memcpy(&v, m->bytes + f->at, f->width);
    v = odd_value(v);
    memcpy(m->bytes + f->at, &v, f->width);
}

static void change_byte(mutant *m, size_t within) {
    if (within > m->size) within = m->size;
    if (within == 0) return;
    size_t at = draw(within);
    m->bytes[at] = draw(2) ? (uint8_t)draw(256) : m->bytes[at] ^ (uint8_t)(1u << draw(8));
}

static void copy_chunk(mutant *m, size_t within) {
    if (within > m->size) within = m->size;
    size_t n = 1 + draw(64);
    if (within <= n) return;
    size_t from = draw(within - n), to = draw(within - n);
    memmove(m->bytes + to, m->bytes + from, n);
}

/* Takes bytes out of the header: everything after them moves up. */
static void cut_chunk(mutant *m, size_t within) {
    size_t n = 1 + draw(40);
    if (within > m->size || within <= n) return;
    size_t at = draw(within - n);
    memmove(m->bytes + at, m->bytes + at + n, m->size - at - n);
    m->size -= n;
}

static void mutate(mutant *m, const seed_file *s) {
    for (uint64_t n = draw(3) ? 1 : 2 + draw(2); n > 0; n--) {
        switch (draw(12)) {
        case 0: change_byte(m, m->size); break;
        case 1:
        case 2:
        case 3: change_byte(m, s->header); break;
        case 4: copy_chunk(m, s->header); break;
        case 5: cut_chunk(m, s->header); break;
        case 6:
            if (draw(4) == 0) m->size = draw(m->size + 1);
            break;
        default: change_field(m, s);
        }
    }
}

static void try_tokenizer(const gguf *g) {
    static const char text[] = "<think>the thin\xff\xf0\x9f 中 12345\r\n\n  été｜DSML｜<｜User｜>";
    static const char *const keys[] = {"general.name", "general.architecture", "deepseek4.block_count",
                                       "tokenizer.ggml.tokens"};
    struct tokenizer *t = NULL;
    ds4_error err;
    int32_t ids[16];
    size_t n;
    char buf[16];
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) gguf_scalar_text(g, keys[i], buf, sizeof buf);
    int64_t n_vocab = gguf_arr_len(g, "tokenizer.ggml.tokens");
    if (n_vocab < 0 || n_vocab > INT32_MAX || ds4_tokenizer_new(g, (uint32_t)n_vocab, &t, &err) != DS4_OK ||
        !t)
        return;
    reached[1]++;
    for (int rendered = 0; rendered < 2; rendered++)
        CHECK(ds4_tokenizer_encode(t, text, sizeof text, rendered, ids, 16, &n, &err) == DS4_OK, "%s",
              err.message);
    for (int32_t id = 0; id < n_vocab; id++) ds4_tokenizer_bytes(t, id, &n);
    ds4_tokenizer_free(t);
}

static bool try_binding(gguf *g) {
    ds4_model m = {.file = g};
    ds4_error err = {"?"};
    ds4_status st = ds4_model_bind(&m, &err);
    if (st == DS4_OK) ds4_model_unbind(&m);
    else CHECK(err.message[0] != '?', "no sentence");
    return st == DS4_OK;
}

static void try_model(const mutant *m, const char *path) {
    ds4_model *model;
    ds4_session *session;
    ds4_error err;
    ds4_model_info info;
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(m->bytes, 1, m->size, f) == m->size && fclose(f) == 0, "cannot write %s", path);
    if (ds4_model_open(path, &(ds4_model_params){.threads = 1}, &model, &err) != DS4_OK) return;
    reached[3]++;
    ds4_model_get_info(model, &info);
    if (ds4_session_new(model, info.context_length < 16 ? info.context_length : 16, &session, &err) ==
        DS4_OK) {
        int32_t tokens[6] = {0, 1, 2, 3, info.n_vocab - 1, 0};
        for (int i = 0; i < 6; i++) tokens[i] %= info.n_vocab;
        if (ds4_session_eval(session, tokens, 6, NULL, &err) == DS4_OK) reached[4]++;
        ds4_session_free(session);
    }
    ds4_model_close(model);
}

static void push(const mutant *m, const char *path) {
    ds4_error err = {"?"};
    gguf *g;
    if (gguf_open_bytes(m->bytes, m->size, &g, &err) != DS4_OK) {
        CHECK(err.message[0] != '?', "no sentence");
        return;
    }
    reached[0]++;
    volatile uint8_t sum = 0;
    for (uint64_t i = 0; i < gguf_n_tensors(g); i++) {
        const gguf_tensor *t = gguf_tensor_at(g, i);
        const uint8_t *data = t->data;
        if (t->nbytes) sum += data[0] + data[t->nbytes - 1];
    }
    try_tokenizer(g);
    bool bound = try_binding(g);
    gguf_close(g);
    if (!bound) return;
    reached[2]++;
    try_model(m, path);
}

static void make_seed(seed_file *s, const tiny_change *change) {
    tiny_model(&s->built, change);
    s->bytes = build_end(&s->built, &s->size);
    gguf *g;
    ds4_error err;
    CHECK(gguf_open_bytes(s->bytes, s->size, &g, &err) == DS4_OK, "%s", err.message);
    s->header = (size_t)((const uint8_t *)gguf_find(g, "token_embd.weight")->data - s->bytes);
    gguf_close(g);
}

int main(int argc, char **argv) {
    static seed_file seeds[2];
    uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 2000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1,
             first = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
    make_seed(&seeds[0], NULL);
    make_seed(&seeds[1], &(tiny_change){.no_tokenizer = 1});
    char path[] = "/dev/shm/ds4-fuzz-XXXXXX", elsewhere[] = "/tmp/ds4-fuzz-XXXXXX", *file = path;
    int fd = mkstemp(path);
    if (fd < 0) fd = mkstemp(file = elsewhere);
    CHECK(fd >= 0, "no temporary file");
    close(fd);
    for (uint64_t i = first; i < first + n; i++) {
        const seed_file *s = &seeds[i % 4 == 3];
        mutant whole = {NULL, s->size}, m = {NULL, 0};
        rng = (seed * 0x9e3779b97f4a7c15u + i) * 0xbf58476d1ce4e5b9u | 1;
        CHECK((whole.bytes = malloc(s->size)), "out of memory");
        memcpy(whole.bytes, s->bytes, s->size);
        mutate(&whole, s);
        m.size = whole.size; /* a block of just the size, so that one byte too many is seen */
        CHECK(posix_memalign((void **)&m.bytes, 4096, m.size ? m.size : 1) == 0, "out of memory");
        memcpy(m.bytes, whole.bytes, m.size);
        free(whole.bytes);
        push(&m, file);
        free(m.bytes);
    }
    unlink(file);
    for (int i = 0; i < 2; i++) free(seeds[i].bytes);
    printf("%llu files:", (unsigned long long)n);
    for (int i = 0; i < STAGES; i++)
        printf(" %llu %s%s", (unsigned long long)reached[i], stage_names[i], i + 1 < STAGES ? "," : "\n");
    return 0;
}
