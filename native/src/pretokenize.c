/* pretokenize.c - the "joyai-llm" pre-tokeniser, by hand.
 *
 * It is defined as three splits in a row, each cutting inside the pieces of the
 * one before and seeing a piece's end as the end of the text:
 *   1. \p{N}{1,3}
 *   2. runs of [U+4E00-9FA5, U+3040-309F, U+30A0-30FF]
 *   3. the first that matches of
 *        a. one ASCII punctuation character, then [A-Za-z]+
 *        b. one character other than CR, LF, \p{L}, \p{P}, \p{S}, or none; then [\p{L}\p{M}]+
 *        c. a space or none, then [\p{P}\p{S}]+, then [\r\n]*
 *        d. \s*[\r\n]+     e. \s+(?!\S)     f. \s+
 *      what lies between two matches is a word of its own.
 * No pattern looks back, so a word's end depends only on what follows its start:
 * one function, without state, walks the text once. Pieces of split 1 and 2
 * never mix: a number ends every run (no set of split 3 has it) and a run goes on
 * only while the CJK bit of its characters stays the same.
 *
 * Bytes that are no UTF-8 count as U+FFFD each, over-long forms as the character
 * they spell: that is what llama.cpp does, and the ids must be the same.
 */
#include <stdbool.h>
#include <string.h>

#include "pretokenize.h"
#include "unicode.h"

typedef struct {
    unsigned flags, bytes; /* no bytes: the end of the text */
} character;

static const uint8_t ascii_flags[128] = {
    ['\t'] = UC_SPACE,         ['\n'] = UC_SPACE | UC_NEWLINE, [0x0b] = UC_SPACE,
    [0x0c] = UC_SPACE,         ['\r'] = UC_SPACE | UC_NEWLINE, [' '] = UC_SPACE,
    ['!' ... '/'] = UC_SYMBOL, ['0' ... '9'] = UC_NUMBER,      [':' ... '@'] = UC_SYMBOL,
    ['A' ... 'Z'] = UC_LETTER, ['[' ... '`'] = UC_SYMBOL,      ['a' ... 'z'] = UC_LETTER,
    ['{' ... '~'] = UC_SYMBOL,
};

static character wide_at(const uint8_t *p) {
    if (p[0] < 0xe0) return (character){ds4_unicode_flags((p[0] & 0x1fu) << 6 | (p[1] & 0x3fu)), 2};
    if (p[0] < 0xf0)
        return (character){ds4_unicode_flags((p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu)), 3};
    return (character){
        ds4_unicode_flags((p[0] & 0x07u) << 18 | (p[1] & 0x3fu) << 12 | (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu)),
        4};
}

static inline character char_at(const uint8_t *p, const uint8_t *end) {
    if (p == end) return (character){0, 0};
    if (*p < 0x80) return (character){ascii_flags[*p], 1};
    return wide_at(p);
}

/* Skips characters of the classes in mask while they stay inside the piece. */
static inline const uint8_t *skip(const uint8_t *p, const uint8_t *end, unsigned mask, unsigned cjk) {
    for (character c = char_at(p, end); (c.flags & mask) && (c.flags & UC_CJK) == cjk; c = char_at(p, end))
        p += c.bytes;
    return p;
}

static inline bool ascii_letter(const uint8_t *p, const uint8_t *end) {
    return p < end && (unsigned)((*p | 32) - 'a') < 26;
}

static const uint8_t *number_end(const uint8_t *p, const uint8_t *end) {
    for (int digits = 0; digits < 3; digits++) {
        character c = char_at(p, end);
        if (!(c.flags & UC_NUMBER)) break;
        p += c.bytes;
    }
    return p;
}

/* Alternatives d, e and f. White space is never in a CJK piece. */
static const uint8_t *space_end(const uint8_t *p, const uint8_t *end) {
    const uint8_t *start = p, *last = p, *after_newline = NULL;
    character c = char_at(p, end);
    for (; (c.flags & UC_SPACE); c = char_at(p, end)) {
        last = p;
        p += c.bytes;
        if (c.flags & UC_NEWLINE) after_newline = p;
    }
    if (after_newline) return after_newline;
    bool piece_ends = c.bytes == 0 || (c.flags & (UC_NUMBER | UC_CJK));
    /* Before other text, e gives its last character back; f takes an only one. */
    return piece_ends || last == start ? p : last;
}

/* The end of split 3's match at p, or NULL where nothing matches. The character at p is c. */
static const uint8_t *match(const uint8_t *p, const uint8_t *end, character c) {
    unsigned cjk = c.flags & UC_CJK;
    const uint8_t *next = p + c.bytes;
    if (c.flags & (UC_LETTER | UC_MARK)) return skip(next, end, UC_LETTER | UC_MARK, cjk);
    if (c.flags & UC_SYMBOL) {
        if (*p < 0x80 && ascii_letter(next, end)) {
            while (ascii_letter(next, end)) next++;
            return next;
        }
    } else {
        character d = char_at(next, end);
        bool same = (d.flags & UC_CJK) == cjk;
        if (same && (d.flags & (UC_LETTER | UC_MARK)) && !(c.flags & UC_NEWLINE))
            return skip(next + d.bytes, end, UC_LETTER | UC_MARK, cjk);
        if (!(*p == ' ' && same && (d.flags & UC_SYMBOL)))
            return (c.flags & UC_SPACE) ? space_end(p, end) : NULL;
    }
    next = skip(next, end, UC_SYMBOL, cjk);
    return cjk ? next : skip(next, end, UC_NEWLINE, 0);
}

size_t ds4_word_end(const uint8_t *text, size_t len, size_t pos) {
    const uint8_t *p = text + pos, *end = text + len;
    character c = char_at(p, end);
    if (c.flags & UC_NUMBER) return (size_t)(number_end(p, end) - text);
    const uint8_t *found = match(p, end, c);
    unsigned cjk = c.flags & UC_CJK;
    while (!found) {
        p += c.bytes;
        c = char_at(p, end);
        if (c.bytes == 0 || (c.flags & UC_NUMBER) || (c.flags & UC_CJK) != cjk || match(p, end, c)) found = p;
    }
    return (size_t)(found - text);
}

/* The bytes of the well-formed character at p, 0 if there is none. Surrogates
 * pass: llama.cpp takes them for characters without a class. */
static unsigned sound_char(const uint8_t *p, const uint8_t *end) {
    size_t left = (size_t)(end - p);
    if (p[0] < 0x80) return 1;
    if (p[0] < 0xc2) return 0;
    if (p[0] < 0xe0) return left >= 2 && (p[1] & 0xc0) == 0x80 ? 2 : 0;
    if (left < 3 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80) return 0;
    if (p[0] < 0xf0) return p[0] > 0xe0 || p[1] >= 0xa0 ? 3 : 0;
    if (left < 4 || (p[3] & 0xc0) != 0x80) return 0;
    unsigned plane = (p[0] - 0xf0u) << 2 | (p[1] >> 4 & 3u);
    return plane >= 1 && plane <= 16 ? 4 : 0;
}

size_t ds4_utf8_sound(const uint8_t *text, size_t len) {
    const uint8_t *p = text, *end = text + len;
    while (p < end) {
        uint64_t eight;
        if (end - p >= 8 && (memcpy(&eight, p, 8), !(eight & 0x8080808080808080u))) {
            p += 8;
            continue;
        }
        unsigned n = sound_char(p, end);
        if (!n) break;
        p += n;
    }
    return (size_t)(p - text);
}

/* An over-long form: well-formed but for spelling a character with too many bytes. */
static unsigned overlong_char(const uint8_t *p, const uint8_t *end, uint32_t *code) {
    size_t left = (size_t)(end - p);
    unsigned n = p[0] == 0xc0 || p[0] == 0xc1 ? 2 : p[0] == 0xe0 ? 3 : p[0] == 0xf0 ? 4 : 0;
    if (n == 0 || left < n) return 0;
    uint32_t spelled = n == 2 ? p[0] & 0x1fu : 0;
    for (unsigned i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) return 0;
        spelled = spelled << 6 | (p[i] & 0x3fu);
    }
    *code = spelled;
    return n;
}

static size_t spell(uint32_t code, uint8_t *out) {
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (uint8_t)(0xc0 | code >> 6);
        out[1] = (uint8_t)(0x80 | (code & 0x3f));
        return 2;
    }
    out[0] = (uint8_t)(0xe0 | code >> 12);
    out[1] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
    out[2] = (uint8_t)(0x80 | (code & 0x3f));
    return 3;
}

size_t ds4_utf8_repair(const uint8_t *text, size_t len, uint8_t *out) {
    const uint8_t *p = text, *end = text + len;
    uint8_t *w = out;
    while (p < end) {
        uint32_t code = 0xfffd;
        size_t sound = ds4_utf8_sound(p, (size_t)(end - p));
        memcpy(w, p, sound);
        p += sound;
        w += sound;
        if (p == end) break;
        unsigned n = overlong_char(p, end, &code);
        p += n ? n : 1;
        w += spell(code, w);
    }
    return (size_t)(w - out);
}
