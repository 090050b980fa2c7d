/* check.h - a test program is main() with checks; the first that fails ends it. */
#ifndef DS4_CHECK_H
#define DS4_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition, ...)                                                       \
    do {                                                                            \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: %s is false: ", __FILE__, __LINE__, #condition); \
            fprintf(stderr, __VA_ARGS__);                                           \
            fputc('\n', stderr);                                                    \
            exit(1);                                                                \
        }                                                                           \
    } while (0)

/* The path of a committed file under tests/vectors; the tests run in native/ or beside it. */
static inline const char *vector_path(const char *name) {
    static char path[4096];
    const char *file = __FILE__; /* native/tests/check.h, as the compiler was told */
    size_t folder = 0;
    for (size_t i = 0; file[i]; i++)
        if (file[i] == '/') folder = i + 1;
    snprintf(path, sizeof path, "%.*svectors/%s", (int)folder, file, name);
    return path;
}

#endif
