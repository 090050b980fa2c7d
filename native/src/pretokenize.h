/* pretokenize.h - cutting text into the words that BPE works on. Internal. */
#ifndef DS4_PRETOKENIZE_H
#define DS4_PRETOKENIZE_H

#include <stddef.h>
#include <stdint.h>

/* Where the word that starts at pos ends. text must be UTF-8 as ds4_utf8_repair()
 * leaves it, pos < len and a word boundary. */
size_t ds4_word_end(const uint8_t *text, size_t len, size_t pos);

/* Bytes at the front of text that need no repair. */
size_t ds4_utf8_sound(const uint8_t *text, size_t len);
/* Copies text so that it can be decoded without checks; out needs 3 * len bytes.
 * Returns the bytes written. */
size_t ds4_utf8_repair(const uint8_t *text, size_t len, uint8_t *out);

#endif
