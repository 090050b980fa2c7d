/* Draws follow the rules of the three ways to sample, and the published generator. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "check.h"
#include "ds4.h"

enum { N = 6, DRAWS = 20000 };

static void draw(const float *logits, ds4_sampling s, int *count) {
    uint64_t rng = 42;
    memset(count, 0, N * sizeof *count);
    for (int i = 0; i < DRAWS; i++) {
        int32_t id = ds4_sample(logits, N, &s, &rng);
        CHECK(id >= 0 && id < N, "id %d", id);
        count[id]++;
    }
}

static void expect_shares(const int *count, const float *weight) {
    float all = 0;
    for (int i = 0; i < N; i++) all += weight[i];
    for (int i = 0; i < N; i++) {
        float share = (float)count[i] / DRAWS;
        CHECK(weight[i] > 0 || count[i] == 0, "token %d must not be drawn", i);
        CHECK(fabsf(share - weight[i] / all) < 0.02f, "token %d: %f, expected %f", i, share, weight[i] / all);
    }
}

static void test_greedy(void) {
    float logits[N] = {1, 3, NAN, 3, INFINITY, -INFINITY};
    uint64_t rng = 1;
    CHECK(ds4_sample(logits, N, &(ds4_sampling){.temperature = 0}, &rng) == 1, "lowest of equals, finite only");
    CHECK(rng == 1, "no randomness is used");
    float none[N] = {NAN, NAN, NAN, NAN, NAN, NAN};
    CHECK(ds4_sample(none, N, &(ds4_sampling){.temperature = 1}, &rng) == 0, "nothing finite");
}

static void test_shares(void) {
    float logits[N] = {logf(1), logf(8), logf(4), -INFINITY, logf(2), logf(0.25f)};
    int count[N];
    draw(logits, (ds4_sampling){.temperature = 1, .top_p = 1}, count);
    expect_shares(count, (float[N]){1, 8, 4, 0, 2, 0.25f});
    draw(logits, (ds4_sampling){.temperature = 1, .top_p = 1, .min_p = 0.2f}, count);
    expect_shares(count, (float[N]){0, 8, 4, 0, 2, 0});
    draw(logits, (ds4_sampling){.temperature = 0.5f, .top_p = 1}, count);
    expect_shares(count, (float[N]){1, 64, 16, 0, 4, 0.0625f});
    draw(logits, (ds4_sampling){.temperature = 1, .top_p = 0.6f}, count); /* 8 of 15.25, then 4 crosses */
    expect_shares(count, (float[N]){0, 8, 4, 0, 0, 0});
    draw(logits, (ds4_sampling){.temperature = 1, .top_p = 0.99f, .min_p = 0.3f}, count);
    expect_shares(count, (float[N]){0, 8, 4, 0, 0, 0});
    draw(logits, (ds4_sampling){.temperature = 1, .top_k = 3}, count);
    expect_shares(count, (float[N]){0, 8, 4, 0, 2, 0});
    draw(logits, (ds4_sampling){.temperature = 1, .top_k = 1}, count);
    expect_shares(count, (float[N]){0, 1, 0, 0, 0, 0});
    draw(logits, (ds4_sampling){.temperature = 1, .top_p = -1, .min_p = -1}, count); /* both count as off */
    expect_shares(count, (float[N]){1, 8, 4, 0, 2, 0.25f});
}

/* xorshift64* by its definition. */
static void test_generator(void) {
    float logits[N] = {0};
    uint64_t rng = 0, x = 0x9e3779b97f4a7c15ull;
    for (int i = 0; i < 100; i++) {
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        float u = (float)((x * 0x2545f4914f6cdd1dull) >> 40) / 16777216.0f;
        int32_t id = ds4_sample(logits, N, &(ds4_sampling){.temperature = 1, .top_p = 1}, &rng);
        CHECK(rng == x, "state after draw %d", i);
        CHECK(id == (int32_t)(u * N), "draw %d: %d, expected %d", i, id, (int32_t)(u * N));
    }
}

static void test_mask(void) {
    float logits[40], out[40];
    for (int i = 0; i < 40; i++) logits[i] = (float)i;
    uint32_t allowed[2] = {1u << 3 | 1u << 31, 1u << 2};
    uint64_t rng = 1;
    ds4_mask_logits(logits, 40, allowed, out);
    for (int i = 0; i < 40; i++) {
        bool kept = i == 3 || i == 31 || i == 34;
        CHECK(kept ? out[i] == logits[i] : out[i] == -INFINITY, "token %d", i);
    }
    CHECK(ds4_sample(out, 40, &(ds4_sampling){.temperature = 0}, &rng) == 34, "the best allowed one");
}

static void test_logprob(void) {
    float logits[N] = {logf(1), logf(8), logf(4), -INFINITY, logf(4), NAN};
    int32_t ids[N];
    float values[N];
    CHECK(fabsf(ds4_logprob(logits, N, 2, 0, NULL, NULL) - logf(4.0f / 17)) < 1e-6f, "of one token");
    CHECK(ds4_logprob(logits, N, 3, 0, NULL, NULL) == -INFINITY, "never drawn");
    CHECK(ds4_logprob(logits, N, N, 0, NULL, NULL) == -INFINITY, "out of range");
    ds4_logprob(logits, N, 0, 3, ids, values);
    CHECK(ids[0] == 1 && ids[1] == 2 && ids[2] == 4, "best first, lowest id on a tie: %d %d %d", ids[0], ids[1], ids[2]);
    CHECK(fabsf(values[0] - logf(8.0f / 17)) < 1e-6f && values[1] == values[2], "%f %f", values[0], values[1]);
    ds4_logprob(logits, N, 0, N, ids, values);
    CHECK(ids[3] == 0 && values[4] == -INFINITY && values[5] == -INFINITY, "all of them");
}

int main(void) {
    test_greedy();
    test_shares();
    test_generator();
    test_mask();
    test_logprob();
    return 0;
}
