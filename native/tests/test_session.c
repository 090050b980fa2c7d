/* A session gives the same bits however its tokens are split over calls, threads
 * and a detour through saved bytes; what is refused changes nothing. */
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "ds4.h"
#include "gguf.h"
#include "state.h"
#include "tiny_model.h"

enum { TOKENS = 420, CONTEXT = 512 };

static ds4_error err;
static char path[] = "/tmp/ds4-session-XXXXXX";
static int32_t tokens[TOKENS];
static int vocab;

static void write_model(const tiny_change *change) {
    static gguf_builder b;
    size_t size;
    tiny_model(&b, change);
    uint8_t *file = build_end(&b, &size);
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(file, 1, size, f) == size && fclose(f) == 0, "cannot write %s", path);
    free(file);
}

/* NULL where the machine lacks the kernels. */
static ds4_model *open_model(const char *kernels, int threads) {
    ds4_model_info info;
    ds4_model *m = NULL;
    ds4_model_params params = {.threads = threads, .kv_mode = DS4_KV_EXACT, .kernels = kernels};
    ds4_status st = ds4_model_open(path, &params, &m, &err);
    if (st == DS4_ERR_UNSUPPORTED) return NULL;
    CHECK(st == DS4_OK, "%s", err.message);
    ds4_model_get_info(m, &info);
    vocab = info.n_vocab;
    return m;
}

static ds4_session *new_session(ds4_model *m, int ctx) {
    ds4_session *s = NULL;
    CHECK(ds4_session_new(m, ctx, &s, &err) == DS4_OK, "%s", err.message);
    return s;
}

static void eval(ds4_session *s, size_t from, size_t to, float *logits) {
    CHECK(ds4_session_eval(s, tokens + from, to - from, logits, &err) == DS4_OK, "%s", err.message);
}

static float *eval_in_steps(ds4_model *m, size_t step) {
    float *logits = malloc(sizeof(float) * TOKENS * (size_t)vocab);
    ds4_session *s = new_session(m, CONTEXT);
    for (size_t at = 0; at < TOKENS; at += step)
        eval(s, at, at + step < TOKENS ? at + step : TOKENS, logits + at * (size_t)vocab);
    CHECK(memcmp(ds4_session_logits(s), logits + (TOKENS - 1) * (size_t)vocab, sizeof(float) * (size_t)vocab) == 0,
          "the session keeps the last row");
    ds4_session_free(s);
    return logits;
}

static void test_splits(const char *kernels) {
    static const size_t steps[] = {TOKENS, 97, 3, 2, 1};
    float *first = NULL;
    for (int threads = 1; threads <= 3; threads++) {
        ds4_model *m = open_model(kernels, threads);
        for (size_t i = 0; m && i < sizeof steps / sizeof *steps; i++) {
            if (threads > 1 && steps[i] != 97 && (threads == 3 || steps[i] != 1)) continue;
            float *logits = eval_in_steps(m, steps[i]);
            CHECK(!first || memcmp(first, logits, sizeof(float) * TOKENS * (size_t)vocab) == 0,
                  "%s, %d threads, steps of %zu: other bits", kernels, threads, steps[i]);
            if (first) free(logits);
            else first = logits;
        }
        ds4_model_close(m);
    }
    free(first);
}

static void *save(const ds4_session *s, uint64_t *size) {
    *size = ds4_session_save_size(s, 0);
    void *bytes = malloc(*size);
    CHECK(ds4_session_save(s, 0, bytes, *size, &err) == DS4_OK, "%s", err.message);
    return bytes;
}

static void expect_same(const ds4_session *a, const ds4_session *b, const char *what) {
    uint64_t na, nb;
    void *x = save(a, &na), *y = save(b, &nb);
    CHECK(na == nb && memcmp(x, y, na) == 0, "%s", what);
    free(x);
    free(y);
}

static void test_save_and_load(ds4_model *m) {
    static const size_t cuts[] = {1, 3, 4, 5, 7, 8, 9, 127, 128, 129, 130, 255, 256, 257, 419};
    ds4_session *whole = new_session(m, CONTEXT);
    eval(whole, 0, TOKENS, NULL);
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        ds4_session *before = new_session(m, CONTEXT), *after = new_session(m, TOKENS);
        uint64_t size;
        eval(before, 0, cuts[i], NULL);
        void *bytes = save(before, &size);
        eval(after, 50, 200, NULL);
        CHECK(ds4_session_load(after, bytes, size, &err) == DS4_OK, "%s", err.message);
        CHECK(ds4_session_n_tokens(after) == (int32_t)cuts[i], "tokens");
        expect_same(before, after, "loaded as saved");
        eval(after, cuts[i], TOKENS, NULL);
        expect_same(whole, after, "continued as if never saved");
        ds4_session_free(before);
        ds4_session_free(after);
        free(bytes);
    }
    ds4_session_free(whole);
}

/* Tokens of several sessions in one pass give what each gives alone. */
static void test_together(const char *kernels) {
    static const int starts[] = {0, 3, 126, 127, 250, 260, 17, 300, 301};
    enum { MANY = sizeof starts / sizeof *starts, STEPS = 12 };
    for (int threads = 1; threads <= 3; threads++) {
        ds4_model *m = open_model(kernels, threads);
        ds4_session *all[MANY], *alone;
        if (!m) return;
        for (int i = 0; i < MANY; i++) {
            all[i] = new_session(m, CONTEXT);
            if (starts[i]) eval(all[i], 0, (size_t)starts[i], NULL);
        }
        for (int k = 0; k < STEPS; k++) {
            int32_t next[MANY];
            size_t n = k % 3 == 2 ? MANY : k % 3 == 1 ? 2 : 4;
            for (size_t i = 0; i < n; i++) next[i] = tokens[ds4_session_n_tokens(all[i])];
            CHECK(ds4_sessions_eval(all, next, n, &err) == DS4_OK, "%s", err.message);
        }
        for (int i = 0; i < MANY; i++) {
            alone = new_session(m, CONTEXT);
            eval(alone, 0, (size_t)ds4_session_n_tokens(all[i]), NULL);
            expect_same(all[i], alone, "together as alone");
            ds4_session_cut(all[i], 120);
            eval(all[i], (size_t)ds4_session_n_tokens(all[i]), 200, NULL);
            ds4_session_reset(alone);
            eval(alone, 0, 200, NULL);
            expect_same(all[i], alone, "and points are whole");
            ds4_session_free(alone);
        }
        int32_t two[2] = {1, vocab};
        ds4_session *same[2] = {all[0], all[0]};
        CHECK(ds4_sessions_eval(all, two, 2, &err) == DS4_ERR_ARGUMENT, "a token that is none");
        two[1] = 1;
        CHECK(ds4_sessions_eval(same, two, 2, &err) == DS4_ERR_ARGUMENT, "a session twice");
        CHECK(ds4_session_n_tokens(all[0]) == 200, "nothing happened");
        for (int i = 0; i < MANY; i++) ds4_session_free(all[i]);
        ds4_model_close(m);
    }
}

static void expect_refused(ds4_session *s, const void *bytes, uint64_t size, ds4_status status, const char *part) {
    ds4_status st = ds4_session_load(s, bytes, size, &err);
    CHECK(st == status, "status %s, expected %s (%s)", ds4_status_name(st), ds4_status_name(status), err.message);
    CHECK(strstr(err.message, part), "\"%s\" lacks \"%s\"", err.message, part);
}

/* Cut back from n to at most c and read on to the end: nothing shows, at most a block is read twice, and of the
 * last few tokens none. */
static void test_cut(ds4_model *m) {
    static const int ends[] = {5, 256, 419}, steps[] = {3, 97, 420};
    ds4_session *whole = new_session(m, CONTEXT);
    eval(whole, 0, TOKENS, NULL);
    for (size_t e = 0; e < sizeof ends / sizeof *ends; e++)
        for (int c = 0; c <= ends[e]; c += c > ends[e] - 25 ? 1 : 41) {
            ds4_session *s = new_session(m, CONTEXT);
            int step = steps[(size_t)c % (sizeof steps / sizeof *steps)];
            for (int at = 0; at < ends[e]; at += step)
                eval(s, (size_t)at, (size_t)(at + step < ends[e] ? at + step : ends[e]), NULL);
            int to = ds4_session_nearest(s, c);
            CHECK(to <= c && c - to < DS4_BLOCK, "from %d to %d: %d", ends[e], c, to);
            CHECK(to == c || ends[e] - c > DS4_BACK, "a few are taken back exactly: from %d to %d: %d", ends[e], c, to);
            CHECK(ds4_session_cut(s, c) == to && ds4_session_n_tokens(s) == to, "cut as promised");
            CHECK(to == ends[e] || !ds4_session_logits(s), "no logits of tokens that are gone");
            eval(s, (size_t)to, TOKENS, NULL);
            expect_same(s, whole, "cut back and read on");
            ds4_session_free(s);
        }
    ds4_session_free(whole);
}

/* A fork shares all, then goes its own way, whoever writes first. */
static void test_fork(ds4_model *m) {
    for (int n = 0; n < TOKENS; n += 69) {
        ds4_session *s = new_session(m, CONTEXT), *alone = new_session(m, CONTEXT), *f = NULL;
        if (n) eval(s, 0, (size_t)n, NULL);
        uint64_t before = ds4_session_memory(s);
        CHECK(ds4_session_fork(s, &f, &err) == DS4_OK, "%s", err.message);
        CHECK(ds4_session_memory(s) <= before, "shared memory counts for its part");
        ds4_session *first = n % 2 ? s : f, *second = n % 2 ? f : s;
        if (n) ds4_session_cut(first, n / 2);
        size_t at = (size_t)ds4_session_n_tokens(first);
        eval(first, at + 1, TOKENS, NULL); /* other tokens than the second's */
        eval(second, (size_t)n, TOKENS, NULL);
        if (at) eval(alone, 0, at, NULL);
        eval(alone, at + 1, TOKENS, NULL);
        expect_same(first, alone, "the first to go on");
        ds4_session_reset(alone);
        eval(alone, 0, TOKENS, NULL);
        ds4_session_free(first);
        expect_same(second, alone, "the second");
        ds4_session_free(second);
        ds4_session_free(alone);
    }
}

/* Blocks stored once and the rest apart give the session again, also on top of a fork that has some. */
static void test_rows(ds4_model *m) {
    ds4_session *s = new_session(m, CONTEXT), *t, *part = NULL;
    static const int ends[] = {100, 128, 300, 384, 420};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        int n = ends[i], blocks = n / DS4_BLOCK, had = blocks / 2;
        uint64_t one = ds4_session_block_bytes(s);
        eval(s, (size_t)ds4_session_n_tokens(s), (size_t)n, NULL);
        uint64_t size = ds4_session_save_size(s, n);
        char *rows = malloc((uint64_t)blocks * one + 1), *rest = malloc(size);
        CHECK(ds4_session_rows(s, 0, blocks, rows, (uint64_t)blocks * one, &err) == DS4_OK, "%s", err.message);
        CHECK(ds4_session_rows(s, blocks, 1, rows, one, &err) == DS4_ERR_ARGUMENT, "a block that is not whole");
        CHECK(ds4_session_save(s, n, rest, size, &err) == DS4_OK, "%s", err.message);
        t = new_session(m, CONTEXT);
        if (blocks) expect_refused(t, rest, size, DS4_ERR_ARGUMENT, "the session has the rows of 0");
        CHECK(ds4_session_fork(s, &part, &err) == DS4_OK, "%s", err.message);
        ds4_session_cut(part, had * DS4_BLOCK);
        ds4_session *two[2] = {t, part};
        for (int k = 0; k < 2; k++) {
            int from = k ? had : 0;
            CHECK(ds4_session_put_rows(two[k], blocks - from, tokens + from * DS4_BLOCK, rows + (uint64_t)from * one,
                                       (uint64_t)(blocks - from) * one, &err) == DS4_OK, "%s", err.message);
            CHECK(ds4_session_load(two[k], rest, size, &err) == DS4_OK, "%s", err.message);
            expect_same(two[k], s, "put together again");
            eval(two[k], (size_t)n, TOKENS, NULL);
            ds4_session_cut(two[k], n);
            eval(two[k], (size_t)ds4_session_n_tokens(two[k]), TOKENS, NULL);
        }
        expect_same(t, part, "and go on alike, also from a point behind the load");
        ds4_session_free(t);
        ds4_session_free(part);
        free(rows);
        free(rest);
    }
    ds4_session_free(s);
}

static void test_damage(ds4_model *m) {
    ds4_session *s = new_session(m, CONTEXT), *same = new_session(m, CONTEXT);
    uint64_t size;
    eval(s, 0, 150, NULL);
    eval(same, 0, 150, NULL);
    uint8_t *bytes = save(s, &size);
    uint64_t rng = 1;
    for (int i = 0; i < 3000; i++) {
        rng = rng * 6364136223846793005u + 1442695040888963407u;
        uint64_t bit = (rng >> 16) % (size * 8);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        CHECK(ds4_session_load(s, bytes, size, &err) != DS4_OK, "bit %llu flipped", (unsigned long long)bit);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (uint64_t n = 0; n < size; n += n < 200 ? 1 : 977)
        CHECK(ds4_session_load(s, bytes, n, &err) == DS4_ERR_FORMAT, "cut to %llu bytes", (unsigned long long)n);
    bytes[size / 2] ^= 1;
    expect_refused(s, bytes, size, DS4_ERR_CHECKSUM, "checksum");
    bytes[size / 2] ^= 1;
    bytes[0] ^= 1;
    expect_refused(s, bytes, size, DS4_ERR_FORMAT, "not a saved session");
    bytes[0] ^= 1;
    expect_same(s, same, "a refusal leaves the session as it was");
    ds4_session *small = new_session(m, 100);
    expect_refused(small, bytes, size, DS4_ERR_CONTEXT_FULL, "150 saved tokens do not fit in a context of 100");
    CHECK(ds4_session_load(small, bytes, size, NULL) == DS4_ERR_CONTEXT_FULL, "without a place for the message");
    ds4_session_free(small);
    ds4_session_free(same);
    ds4_session_free(s);
    free(bytes);
}

/* Bytes that lie about themselves under a checksum that fits. */
static void test_hostile(ds4_model *m) {
    ds4_session *s = new_session(m, CONTEXT);
    uint64_t size, rng = 3;
    eval(s, 0, 130, NULL);
    uint8_t *bytes = save(s, &size), *lie = malloc(size);
    for (int i = 0; i < 2000; i++) {
        uint32_t small = (uint32_t)(rng >> 40) % 600;
        rng = rng * 6364136223846793005u + 1442695040888963407u;
        uint64_t n = i % 4 ? size : (rng >> 20) % size, at = (rng >> 33) % (i % 2 ? 64 : 700);
        memcpy(lie, bytes, size);
        memcpy(lie + at / 4 * 4, i % 3 ? (void *)&small : (void *)&rng, 4);
        if (n < 80) continue;
        memcpy(lie + 8, &n, 8); /* the size it says it has */
        uint64_t sum = ds4_session_checksum(lie, n - 8);
        memcpy(lie + n - 8, &sum, 8);
        if (ds4_session_load(s, lie, n, &err) == DS4_OK && ds4_session_n_tokens(s) < 500) eval(s, 0, 3, NULL);
    }
    free(lie);
    free(bytes);
    ds4_session_free(s);
}

/* Same shape, other weights. */
static void test_foreign(void) {
    ds4_model *m = open_model(NULL, 1);
    ds4_session *s = new_session(m, CONTEXT);
    uint64_t size;
    eval(s, 0, 20, NULL);
    void *bytes = save(s, &size);
    ds4_session_free(s);
    ds4_model_close(m);
    write_model(&(tiny_change){.retype = "output.weight", .type = GGUF_F16});
    m = open_model(NULL, 1);
    s = new_session(m, CONTEXT);
    expect_refused(s, bytes, size, DS4_ERR_FORMAT, "saved with another model");
    CHECK(ds4_session_n_tokens(s) == 0 && ds4_session_logits(s) == NULL, "still empty");
    ds4_session_free(s);
    ds4_model_close(m);
    free(bytes);
    write_model(NULL);
}

static void test_limits(ds4_model *m) {
    ds4_session *s = new_session(m, 100), *none = NULL;
    uint64_t empty = ds4_session_memory(s), size;
    int32_t bad[2] = {1, vocab};
    CHECK(ds4_session_new(m, CONTEXT + 1, &none, &err) == DS4_ERR_ARGUMENT && !none, "context too long");
    CHECK(ds4_session_new(m, 0, &none, &err) == DS4_ERR_ARGUMENT, "context of none");
    CHECK(ds4_session_eval(s, bad, 2, NULL, &err) == DS4_ERR_ARGUMENT && strstr(err.message, "token 1 is"), "%s",
          err.message);
    CHECK(ds4_session_eval(s, tokens, 101, NULL, &err) == DS4_ERR_CONTEXT_FULL, "%s", err.message);
    CHECK(ds4_session_n_tokens(s) == 0 && !ds4_session_logits(s), "nothing happened");
    CHECK(ds4_session_eval(s, NULL, 0, NULL, &err) == DS4_OK, "no tokens are fine");
    eval(s, 0, 100, NULL);
    CHECK(ds4_session_memory(s) > empty, "memory grows with use");
    CHECK(ds4_session_eval(s, tokens, 1, NULL, &err) == DS4_ERR_CONTEXT_FULL, "%s", err.message);
    CHECK(memcmp(ds4_session_tokens(s), tokens, 100 * sizeof *tokens) == 0, "tokens");
    void *bytes = save(s, &size);
    CHECK(ds4_session_save(s, 0, bytes, size - 1, &err) == DS4_ERR_ARGUMENT, "short buffer");
    ds4_session_reset(s);
    ds4_session *fresh = new_session(m, 100);
    expect_same(s, fresh, "forgotten");
    eval(s, 0, 50, NULL);
    eval(fresh, 0, 50, NULL);
    expect_same(s, fresh, "a used session starts over");
    ds4_session_free(fresh);
    ds4_session_free(s);
    free(bytes);
}

static void *cancel_soon(void *session) {
    ds4_session_cancel(session);
    return NULL;
}

/* Whenever the request comes, what is left is a prefix that goes on as usual. */
static void test_cancel(ds4_model *m) {
    ds4_session *whole = new_session(m, CONTEXT);
    eval(whole, 0, TOKENS, NULL);
    ds4_session *s = new_session(m, CONTEXT);
    ds4_session_cancel(s);
    CHECK(ds4_session_eval(s, tokens, 10, NULL, &err) == DS4_ERR_CANCELLED, "asked before");
    CHECK(strstr(err.message, "after 0 of 10"), "%s", err.message);
    ds4_session_cancel(s);
    ds4_session_clear_cancel(s);
    eval(s, 0, 30, NULL);
    for (int i = 0; i < 15; i++) {
        pthread_t thread;
        size_t from = (size_t)ds4_session_n_tokens(s);
        CHECK(pthread_create(&thread, NULL, cancel_soon, s) == 0, "thread");
        ds4_status st = ds4_session_eval(s, tokens + from, TOKENS - from, NULL, &err);
        pthread_join(thread, NULL);
        ds4_session_clear_cancel(s);
        size_t to = (size_t)ds4_session_n_tokens(s);
        CHECK(st == DS4_ERR_CANCELLED || (st == DS4_OK && to == TOKENS), "%s", ds4_status_name(st));
        eval(s, to, TOKENS, NULL);
        expect_same(s, whole, "cancelled and continued");
        ds4_session_reset(s);
        eval(s, 0, 30, NULL);
    }
    ds4_session_free(s);
    ds4_session_free(whole);
}

/* Two sessions on one model from two threads. */
static void *eval_all(void *session) {
    for (size_t at = 0; at < TOKENS; at += 7) {
        ds4_error e;
        size_t to = at + 7 < TOKENS ? at + 7 : TOKENS;
        if (ds4_session_eval(session, tokens + at, to - at, NULL, &e) != DS4_OK) return session;
    }
    return NULL;
}

static void test_two_threads(ds4_model *m) {
    ds4_session *two[2] = {new_session(m, CONTEXT), new_session(m, CONTEXT)};
    pthread_t thread[2];
    for (int i = 0; i < 2; i++) CHECK(pthread_create(&thread[i], NULL, eval_all, two[i]) == 0, "thread");
    for (int i = 0; i < 2; i++) {
        void *failed;
        pthread_join(thread[i], &failed);
        CHECK(!failed, "eval failed");
    }
    expect_same(two[0], two[1], "sessions do not disturb each other");
    ds4_session_free(two[0]);
    ds4_session_free(two[1]);
}

/* Weights of any bits, NaN among them, give poor text but no fault. */
static void test_odd_weights(const char *kernels) {
    static gguf_builder b;
    uint64_t rng = 5;
    int opened = 0;
    for (int i = 0; i < 8; i++) {
        size_t size;
        tiny_model(&b, NULL);
        uint8_t *file = build_end(&b, &size);
        for (size_t at = size / 3; at < size; at += (size_t)(rng >> 58)) {
            rng = rng * 6364136223846793005u + 1442695040888963407u;
            file[at] = (uint8_t)(rng >> 33);
        }
        FILE *f = fopen(path, "wb");
        CHECK(f && fwrite(file, 1, size, f) == size && fclose(f) == 0, "cannot write %s", path);
        free(file);
        ds4_model *m = NULL;
        ds4_model_params params = {.threads = 2, .kernels = kernels};
        if (ds4_model_open(path, &params, &m, &err) != DS4_OK) continue;
        opened++;
        ds4_session *s = new_session(m, CONTEXT);
        eval(s, 0, 150, NULL);
        for (size_t t = 150; t < 170; t++) eval(s, t, t + 1, NULL);
        int32_t id = ds4_sample(ds4_session_logits(s), vocab, &(ds4_sampling){.temperature = 1, .top_k = 5}, &rng);
        CHECK(id >= 0 && id < vocab, "token %d", id);
        ds4_session_free(s);
        ds4_model_close(m);
    }
    CHECK(opened > 2 || strcmp(kernels, "scalar") != 0, "only %d models opened (%s)", opened, err.message);
    write_model(NULL);
}

int main(void) {
    static const char *const sets[] = {"scalar", "avx2", "avx512", "neon"};
    int fd = mkstemp(path);
    CHECK(fd >= 0, "cannot make %s", path);
    close(fd);
    write_model(NULL);
    ds4_model *m = open_model(NULL, 2);
    uint64_t rng = 7;
    for (int i = 0; i < TOKENS; i++) {
        rng = rng * 6364136223846793005u + 1442695040888963407u;
        tokens[i] = (int32_t)((rng >> 33) % (uint64_t)vocab);
    }
    test_limits(m);
    test_save_and_load(m);
    test_cut(m);
    test_fork(m);
    test_rows(m);
    test_damage(m);
    test_hostile(m);
    test_cancel(m);
    test_two_threads(m);
    ds4_model_close(m);
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        test_splits(sets[i]);
        test_odd_weights(sets[i]);
        test_together(sets[i]);
    }
    test_foreign();
    unlink(path);
    return 0;
}
