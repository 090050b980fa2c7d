/* ds4.h - the public interface of libds4, an inference engine for models of
 * the GGUF architecture "deepseek4".
 *
 * A model is an immutable, memory-mapped file with a tokenizer and a pool of
 * worker threads. A session is one sequence of tokens with its KV state.
 * Many sessions may live on one model. Calls on different sessions of one
 * model may come from different threads; evaluation is carried out one call at
 * a time (the pool is shared), the others wait. One session must not be used by
 * two threads at once, except for ds4_session_cancel().
 *
 * Every function that can fail returns a ds4_status and, if err is not NULL,
 * fills err->message with one sentence that names what was wrong, what was
 * found and what was expected. On failure outputs are untouched.
 */
#ifndef DS4_H
#define DS4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define DS4_API
#else
#define DS4_API __attribute__((visibility("default")))
#endif

#define DS4_ABI_VERSION 4

typedef enum {
    DS4_OK = 0,
    DS4_ERR_ARGUMENT = 1,     /* a value passed by the caller is out of range */
    DS4_ERR_IO = 2,           /* the file could not be opened, read or mapped */
    DS4_ERR_FORMAT = 3,       /* the file is damaged or contradicts itself */
    DS4_ERR_UNSUPPORTED = 4,  /* a valid file that this engine cannot run */
    DS4_ERR_MEMORY = 5,
    DS4_ERR_CONTEXT_FULL = 6, /* the tokens do not fit in the session's context */
    DS4_ERR_CANCELLED = 7,    /* ds4_session_cancel() was called */
    DS4_ERR_CHECKSUM = 8      /* saved bytes are damaged */
} ds4_status;

typedef struct {
    char message[512];
} ds4_error;

typedef struct ds4_model ds4_model;
typedef struct ds4_session ds4_session;

/* How KV rows are kept. EXACT stores f32 rows, as the reference
 * implementations do. FAKE_QUANT rounds them as ds4-server does (FP8 rows,
 * Hadamard + FP4 indexer rows, f16 storage). AUTO takes FAKE_QUANT for the
 * published shape (head width 512) and EXACT for any other. */
typedef enum { DS4_KV_AUTO = 0, DS4_KV_EXACT = 1, DS4_KV_FAKE_QUANT = 2 } ds4_kv_mode;

typedef struct {
    int32_t threads;      /* worker threads including the caller; 0: cores, at most 12 */
    int32_t kv_mode;      /* ds4_kv_mode */
    const char *kernels;  /* "scalar", "avx2", "avx512", "neon"; NULL: best here */
} ds4_model_params;

typedef struct {
    char name[128];           /* general.name, or the file's name */
    int32_t n_vocab;
    int32_t n_layer;
    int32_t n_embd;
    int32_t context_length;   /* the longest context the file declares */
    int32_t bos_id, eos_id;   /* -1 where the file has no tokenizer */
    int32_t has_tokenizer;
    int32_t threads;
    int32_t kv_mode;          /* the mode in force */
    int32_t quant_bits;       /* of the routed experts: 2, 4, 8, 16 or 32 */
    uint64_t file_bytes;
    uint64_t n_params;
    char kernels[32];         /* the kernel set in force, e.g. "avx512-vnni" */
} ds4_model_info;

DS4_API int32_t ds4_abi_version(void);
DS4_API const char *ds4_status_name(ds4_status status);

/* params may be NULL for the defaults. */
DS4_API ds4_status ds4_model_open(const char *path, const ds4_model_params *params,
                                  ds4_model **out, ds4_error *err);
/* All sessions must have been freed before. NULL is allowed. */
DS4_API void ds4_model_close(ds4_model *model);
DS4_API void ds4_model_get_info(const ds4_model *model, ds4_model_info *out);
/* The value of a scalar metadata key as text (strings as they are). Returns
 * the length it has, -1 if there is no such scalar key; writes at most size
 * bytes including a closing NUL. */
DS4_API int64_t ds4_model_metadata(const ds4_model *model, const char *key, char *buf, size_t size);

/* Text (any bytes) to token ids. With rendered = true the control tokens of the
 * chat format are recognised in the text; otherwise all of it is data. Writes
 * at most cap ids and returns in *n_out how many there are in all. */
DS4_API ds4_status ds4_tokenize(const ds4_model *model, const char *text, size_t len,
                                bool rendered, int32_t *out, size_t cap, size_t *n_out,
                                ds4_error *err);
/* The bytes a token stands for (valid as long as the model); NULL if out of range. */
DS4_API const char *ds4_token_bytes(const ds4_model *model, int32_t id, size_t *len);
/* The id of the vocabulary entry with exactly this text; -1 if there is none. */
DS4_API int32_t ds4_token_find(const ds4_model *model, const char *text, size_t len);
/* Whether a token is a control token (never produced from plain text). */
DS4_API bool ds4_token_is_control(const ds4_model *model, int32_t id);
/* Where the last word of a text begins, as the pre-tokeniser cuts it: what follows
 * may make other tokens of that word, of nothing before it. The text is what
 * follows a line end, or begins a text; len if it is no UTF-8. */
DS4_API size_t ds4_last_word(const char *text, size_t len);
/* The tokens that may come next where rest has to be spelt: those that are a prefix
 * of it and those that it is a prefix of, but no control token. A bit each, as
 * ds4_mask_logits() reads them; there is room for all. The first call sorts the
 * vocabulary. */
DS4_API ds4_status ds4_spelling(const ds4_model *model, const char *rest, size_t len, uint32_t *allowed,
                                ds4_error *err);

/* ctx: the most tokens the session may hold, 1 .. context_length. */
DS4_API ds4_status ds4_session_new(ds4_model *model, int32_t ctx, ds4_session **out, ds4_error *err);
DS4_API void ds4_session_free(ds4_session *session);
/* Forget all tokens. */
DS4_API void ds4_session_reset(ds4_session *session);
DS4_API int32_t ds4_session_ctx(const ds4_session *session);
DS4_API int32_t ds4_session_n_tokens(const ds4_session *session);
/* The tokens held, oldest first; valid until the next call that changes the session. */
DS4_API const int32_t *ds4_session_tokens(const ds4_session *session);
/* Bytes of memory the session holds now; what n sessions share counts 1/n for each. */
DS4_API uint64_t ds4_session_memory(const ds4_session *session);
/* Bytes it holds at most, with all its context in use and nothing shared. */
DS4_API uint64_t ds4_session_most_memory(const ds4_session *session);

/* Append n tokens and evaluate them (prefill for n > 1, decode for n = 1); the
 * logits of the last one are kept. Work is done in chunks; cancel is looked at
 * between them: what was done stays, n_tokens tells how far it came, and a later
 * call goes on from there. The result does not depend on how the tokens were
 * split over calls. logits_out: NULL, or n * n_vocab floats, one row a token. */
DS4_API ds4_status ds4_session_eval(ds4_session *session, const int32_t *tokens, size_t n,
                                    float *logits_out, ds4_error *err);
/* Append one token to each of n different sessions of one model, in one pass over the
 * weights if that is faster, with the same results as one after the other. Is not cancelled.
 * On failure n_tokens of each tells whether its token was appended. */
DS4_API ds4_status ds4_sessions_eval(ds4_session *const *sessions, const int32_t *tokens, size_t n,
                                     ds4_error *err);
/* Ask a running ds4_session_eval() of this session to stop; from any thread.
 * The request stays until an eval has returned DS4_ERR_CANCELLED or it is cleared. */
DS4_API void ds4_session_cancel(ds4_session *session);
DS4_API void ds4_session_clear_cancel(ds4_session *session);
/* n_vocab floats for the token after the last; NULL before the first eval and after a cut. */
DS4_API const float *ds4_session_logits(const ds4_session *session);

/* A session can be cut back to points: the ends of blocks of DS4_BLOCK tokens whose
 * surroundings are kept, and the last DS4_BACK positions. There is room for the
 * surroundings of DS4_HISTORY_TOKENS tokens, unless told otherwise; a longer session
 * has sparser points the further back they are. */
#define DS4_BLOCK 128
#define DS4_BACK 16
#define DS4_HISTORY_TOKENS 16384
DS4_API void ds4_session_keep(ds4_session *session, int32_t tokens);
/* The last point at or before position n. */
DS4_API int32_t ds4_session_nearest(const ds4_session *session, int32_t n);
/* Forget all tokens behind that point; returns it. */
DS4_API int32_t ds4_session_cut(ds4_session *session, int32_t n);
/* A second session with the same tokens. Both share what they have in common until
 * one is freed, and go on independently. */
DS4_API ds4_status ds4_session_fork(const ds4_session *session, ds4_session **out, ds4_error *err);

/* A session as bytes, in native byte order (little endian on all supported machines).
 * Compressed rows never change, so those of whole blocks can be stored apart and once:
 * ds4_session_rows() copies blocks [first, first + n) out, ds4_session_put_rows() adds
 * the next n blocks, with their tokens, to an empty session or to one cut back to the end
 * of a block; size is n * ds4_session_block_bytes(). They count for ds4_session_load() only.
 * Saved is the rest: all that is needed besides the rows of the blocks before token `from`
 * (rounded down to a block; 0: the whole session), with shapes and a checksum. */
DS4_API uint64_t ds4_session_block_bytes(const ds4_session *session);
DS4_API ds4_status ds4_session_rows(const ds4_session *session, int32_t first, int32_t n, void *buf,
                                    uint64_t size, ds4_error *err);
DS4_API ds4_status ds4_session_put_rows(ds4_session *session, int32_t n, const int32_t *tokens, const void *buf,
                                        uint64_t size, ds4_error *err);
DS4_API uint64_t ds4_session_save_size(const ds4_session *session, int32_t from);
DS4_API ds4_status ds4_session_save(const ds4_session *session, int32_t from, void *buf, uint64_t size,
                                    ds4_error *err);
/* Replaces the session's state. On failure the session is left as it was. */
DS4_API ds4_status ds4_session_load(ds4_session *session, const void *buf, uint64_t size, ds4_error *err);
/* Names the model by its tensors, and the form of what is saved: rows of one mean nothing to another. */
DS4_API uint64_t ds4_model_fingerprint(const ds4_model *model);

typedef struct {
    float temperature;  /* <= 0: the largest logit, lowest id on a tie */
    float top_p;        /* <= 0 or > 1 counts as 1 */
    float min_p;        /* relative to the most probable token; < 0 counts as 0 */
    int32_t top_k;      /* <= 0: off; at most 1024 */
} ds4_sampling;

/* Draw a token. rng is the caller's generator state (xorshift64*); 0 is replaced. */
DS4_API int32_t ds4_sample(const float *logits, int32_t n_vocab, const ds4_sampling *sampling,
                           uint64_t *rng);
/* Copy logits to out, with -INFINITY for each token whose bit in allowed is not
 * set (bit i % 32 of word i / 32): ds4_sample() of out draws allowed tokens only. */
DS4_API void ds4_mask_logits(const float *logits, int32_t n_vocab, const uint32_t *allowed, float *out);
/* The natural log probability of a token, of all at temperature 1 and without
 * filters. The k most probable ones go to ids and values, best first, lowest id on
 * a tie; k is 0 .. n_vocab, and both may be NULL for 0. -INFINITY for a token out of range. */
DS4_API float ds4_logprob(const float *logits, int32_t n_vocab, int32_t token, int32_t k, int32_t *ids,
                          float *values);

#ifdef __cplusplus
}
#endif
#endif
