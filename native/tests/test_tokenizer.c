/* What the vectors cannot show: control tokens, bytes of tokens, words of any
 * length, room for the ids, vocabularies that contradict themselves. */
#include <string.h>

#include "bpe.h"
#include "check.h"
#include "gguf.h"
#include "model.h"
#include "tiny_model.h"
#include "tokenizer.h"

enum { BOS = 0, THINK = 5, DSML = 7, BYTES = 8 };

static ds4_error err;
static gguf_builder b;

static struct tokenizer *open_tokenizer(gguf **g, uint8_t **file) {
    size_t size;
    struct tokenizer *t;
    tiny_model(&b, NULL);
    *file = build_end(&b, &size);
    CHECK(gguf_open_bytes(*file, size, g, &err) == DS4_OK, "%s", err.message);
    CHECK(ds4_tokenizer_new(*g, (uint32_t)gguf_arr_len(*g, "tokenizer.ggml.tokens"), &t, &err) == DS4_OK,
          "%s", err.message);
    return t;
}

static void expect_ids(const struct tokenizer *t, const char *text, size_t len, bool rendered,
                       const int32_t *ids, size_t n) {
    int32_t found[64];
    size_t n_found;
    CHECK(ds4_tokenizer_encode(t, text, len, rendered, found, 64, &n_found, &err) == DS4_OK, "%s",
          err.message);
    CHECK(n_found == n, "%s: %zu ids, expected %zu", text, n_found, n);
    for (size_t i = 0; i < n; i++)
        CHECK(found[i] == ids[i], "%s: id %zu is %d, expected %d", text, i, found[i], ids[i]);
}

#define IDS(...) (int32_t[]){__VA_ARGS__}, sizeof((int32_t[]){__VA_ARGS__}) / 4
#define TEXT(s) (s), sizeof(s) - 1

static void test_control_tokens(const struct tokenizer *t) {
    int32_t the = ds4_tokenizer_find(t, TEXT("the"));
    expect_ids(t, TEXT("<think>the｜DSML｜"), true, IDS(THINK, the, DSML));
    expect_ids(t, TEXT("<｜begin▁of▁sentence｜><think"), true,
               IDS(BOS, BYTES + '<', ds4_tokenizer_find(t, TEXT("th")), ds4_tokenizer_find(t, TEXT("in")),
                   BYTES + 'k'));
    expect_ids(t, TEXT("<think>"), false,
               IDS(BYTES + '<', ds4_tokenizer_find(t, TEXT("th")), ds4_tokenizer_find(t, TEXT("in")),
                   BYTES + 'k', BYTES + '>'));
    expect_ids(t, TEXT(""), true, NULL, 0);
    for (int32_t id = -1; id < 300; id++)
        CHECK(ds4_tokenizer_is_control(t, id) == (id >= 0 && id < BYTES), "token %d", id);
    CHECK(ds4_tokenizer_bos(t) == BOS && ds4_tokenizer_eos(t) == 1, "ends");
}

static void test_bytes(const struct tokenizer *t) {
    size_t len;
    for (int i = 0; i < 256; i++) {
        const char *s = ds4_tokenizer_bytes(t, BYTES + i, &len);
        CHECK(len == 1 && (uint8_t)s[0] == i, "byte %d", i);
    }
    const char *s = ds4_tokenizer_bytes(t, DSML, &len);
    CHECK(len == 10 && memcmp(s, "｜DSML｜", 10) == 0, "verbatim token");
    s = ds4_tokenizer_bytes(t, ds4_tokenizer_find(t, TEXT("Ġthe")), &len);
    CHECK(len == 4 && memcmp(s, " the", 4) == 0, "token with a space");
    CHECK(!ds4_tokenizer_bytes(t, -1, &len) && !ds4_tokenizer_bytes(t, 1000, &len), "ids out of range");
    CHECK(ds4_tokenizer_find(t, TEXT(" the")) == -1 && ds4_tokenizer_find(t, "", 0) == -1,
          "texts that are no token");
}

static void expect_spelling(const struct tokenizer *t, const char *rest, const char *const *texts, int n) {
    uint32_t allowed[16];
    int found = 0;
    CHECK(ds4_tokenizer_size(t) <= 32 * 16, "room for the bits");
    CHECK(ds4_tokenizer_spelling(t, rest, strlen(rest), allowed, &err) == DS4_OK, "%s", err.message);
    for (uint32_t i = 0; i < ds4_tokenizer_size(t); i++) found += allowed[i / 32] >> (i % 32) & 1;
    CHECK(found == n, "%s: %d tokens, expected %d", rest, found, n);
    for (int i = 0; i < n; i++) {
        int32_t id = ds4_tokenizer_find(t, texts[i], strlen(texts[i]));
        CHECK(id >= 0 && (allowed[id / 32] >> (id % 32) & 1), "%s: %s", rest, texts[i]);
    }
}

#define SPELLING(rest, ...)                                                        \
    expect_spelling(t, rest, (const char *const[]){__VA_ARGS__},                    \
                    sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void test_spelling(const struct tokenizer *t) {
    SPELLING("the", "t", "th", "the");
    SPELLING("t", "t", "th", "the");
    SPELLING("thx", "t", "th");
    SPELLING(" ", "Ġ", "Ġthe");
    SPELLING(" th", "Ġ", "Ġthe");
    SPELLING("<think>", "<");
    SPELLING("\xff", "ÿ");
    SPELLING("\xc3\xa9", "Ã", "Ã©");
}

static void test_last_word(void) {
    CHECK(ds4_last_word(TEXT("a + ri")) == 3 && ds4_last_word(TEXT("max_va")) == 3, "a letter run with what leads it");
    CHECK(ds4_last_word(TEXT("x   ")) == 1 && ds4_last_word("", 0) == 0, "spaces, nothing");
    CHECK(ds4_last_word(TEXT("1234")) == 3 && ds4_last_word(TEXT("f((")) == 1, "digits by three, signs together");
    CHECK(ds4_last_word(TEXT("ab\xff")) == 3, "no UTF-8");
}

static void test_room(const struct tokenizer *t) {
    int32_t ids[4] = {-7, -7, -7, -7};
    size_t n;
    CHECK(ds4_tokenizer_encode(t, TEXT("a b c d"), false, ids, 2, &n, &err) == DS4_OK, "%s", err.message);
    CHECK(n == 7 && ids[0] == BYTES + 'a' && ids[1] == BYTES + ' ' && ids[2] == -7, "%zu ids", n);
    CHECK(ds4_tokenizer_encode(t, TEXT("a b c d"), false, NULL, 0, &n, &err) == DS4_OK && n == 7,
          "no room at all");
}

/* Long words go another way through the merges than short ones; an independent,
 * slow merge must agree with both. */
static size_t merge_slowly(char parts[][8], size_t n) {
    static const char *const merges[][2] = {{"t", "h"}, {"th", "e"}, {"i", "n"}, {"Ġ", "the"}, {"e", "r"}};
    for (size_t rank = 0; rank < 5;) {
        size_t at = 0;
        while (at + 1 < n &&
               !(strcmp(parts[at], merges[rank][0]) == 0 && strcmp(parts[at + 1], merges[rank][1]) == 0))
            at++;
        if (at + 1 >= n) {
            rank++;
            continue;
        }
        memcpy(parts[at] + strlen(parts[at]), merges[rank][1], strlen(merges[rank][1]) + 1);
        memmove(parts[at + 1], parts[at + 2], (n - at - 2) * sizeof *parts);
        n--;
        rank = 0;
    }
    return n;
}

static void test_words_of_any_length(const struct tokenizer *t) {
    enum { MOST = 400 };
    static char text[MOST], parts[MOST + 1][8];
    static int32_t ids[MOST];
    uint64_t rng = 1;
    for (size_t len = 1; len < MOST; len++) {
        size_t n_found;
        for (size_t i = 0; i < len; i++) {
            rng = rng * 6364136223846793005u + 1442695040888963407u;
            text[i] = "thiner"[(rng >> 33) % 6];
            snprintf(parts[i], sizeof *parts, "%c", text[i]);
        }
        size_t n = merge_slowly(parts, len);
        CHECK(ds4_tokenizer_encode(t, text, len, false, ids, MOST, &n_found, &err) == DS4_OK, "%s",
              err.message);
        CHECK(n_found == n, "%zu ids, expected %zu, in %.*s", n_found, n, (int)len, text);
        for (size_t i = 0; i < n; i++)
            CHECK(ids[i] == ds4_tokenizer_find(t, parts[i], strlen(parts[i])), "part %zu of %.*s", i,
                  (int)len, text);
    }
}

/* A megabyte without a break: n squared would take hours. */
static void test_hostile_words(const struct tokenizer *t) {
    static const char *const units[] = {"the", "t", "\xff", "\n", "é", "\xf0\x9f\x98", "中", "1", " ", "!"};
    enum { SIZE = 1 << 20 };
    char *text = malloc(SIZE);
    for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
        size_t n, width = strlen(units[u]);
        for (size_t i = 0; i < SIZE; i++) text[i] = units[u][i % width];
        CHECK(ds4_tokenizer_encode(t, text, SIZE, u % 2, NULL, 0, &n, &err) == DS4_OK, "%s", err.message);
        CHECK(n >= SIZE / 4 && n <= 3 * (size_t)SIZE, "%zu ids", n);
    }
    free(text);
}

static void refuse(void (*write)(void), uint32_t n_vocab, const char *sentence) {
    size_t size;
    gguf *g;
    struct tokenizer *t = NULL;
    build_begin(&b);
    build_str(&b, "tokenizer.ggml.model", "gpt2", 4);
    build_str(&b, "tokenizer.ggml.pre", "joyai-llm", 9);
    write();
    uint8_t *file = build_end(&b, &size);
    CHECK(gguf_open_bytes(file, size, &g, &err) == DS4_OK, "%s", err.message);
    CHECK(ds4_tokenizer_new(g, n_vocab, &t, &err) != DS4_OK && !t, "accepted, expected: %s", sentence);
    CHECK(strstr(err.message, sentence), "\"%s\" lacks \"%s\"", err.message, sentence);
    gguf_close(g);
    free(file);
}

static void write_tokens(const char *extra) {
    build_strs(&b, "tokenizer.ggml.tokens", 257);
    for (unsigned i = 0; i < 256; i++) {
        char text[2];
        uint8_t byte = (uint8_t)i;
        build_element(&b, text, vocab_spell(&byte, 1, text));
    }
    build_element(&b, extra, strlen(extra));
}

static void nothing(void) {}
static void numbers_for_tokens(void) { build_i32s(&b, "tokenizer.ggml.tokens", (int32_t[2]){1, 2}, 2); }
static void no_bytes(void) {
    build_strs(&b, "tokenizer.ggml.tokens", 1);
    build_element(&b, "x", 1);
}
static void twice(void) { write_tokens("x"); }
static void no_merges(void) { write_tokens("xy"); }
static void merge(const char *text) {
    write_tokens("xy");
    build_strs(&b, "tokenizer.ggml.merges", 1);
    build_element(&b, text, strlen(text));
}
static void merge_without_space(void) { merge("xy"); }
static void merge_of_unknown(void) { merge("xy zz"); }
static void merge_into_unknown(void) { merge("x z"); }
static void no_types(void) { merge("x y"); }
static void few_types(void) {
    merge("x y");
    build_i32s(&b, "tokenizer.ggml.token_type", (int32_t[2]){1, 1}, 2);
}
static void wrong_bos(void) {
    int32_t types[257] = {0};
    merge("x y");
    build_i32s(&b, "tokenizer.ggml.token_type", types, 257);
    build_u32(&b, "tokenizer.ggml.bos_token_id", 257);
}

static void test_contradictions(void) {
    refuse(nothing, 257, "tokenizer.ggml.tokens is missing");
    refuse(numbers_for_tokens, 2, "tokenizer.ggml.tokens is of another type");
    refuse(no_bytes, 2, "tokenizer.ggml.tokens has 1 elements, expected the vocabulary size 2");
    refuse(no_bytes, 1, "no token stands for byte 0x00");
    refuse(twice, 257, "ids 120 and 256 have the same text \"x\"");
    refuse(no_merges, 257, "tokenizer.ggml.merges is missing");
    refuse(merge_without_space, 257, "element 0 is \"xy\", expected two texts with a space between them");
    refuse(merge_of_unknown, 257, "element 0 is \"xy zz\", expected two texts of the vocabulary");
    refuse(merge_into_unknown, 257, "element 0 is \"x z\", expected its result in the vocabulary");
    refuse(no_types, 257, "tokenizer.ggml.token_type is missing");
    refuse(few_types, 257, "tokenizer.ggml.token_type has 2 elements, expected one for each of 257 tokens");
    refuse(wrong_bos, 257, "tokenizer.ggml.bos_token_id is 257, expected less than the 257 tokens");
}

int main(void) {
    gguf *g;
    uint8_t *file;
    struct tokenizer *t = open_tokenizer(&g, &file);
    test_control_tokens(t);
    test_bytes(t);
    test_spelling(t);
    test_last_word();
    test_room(t);
    test_words_of_any_length(t);
    test_hostile_words(t);
    ds4_tokenizer_free(t);
    gguf_close(g);
    free(file);
    test_contradictions();
    return 0;
}
