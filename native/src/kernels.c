/* kernels.c - which kernel set runs. */
#include "kernels.h"

#include <string.h>

#include "model.h"

typedef struct {
    const char *name;
    const struct kernels *(*get)(void);
} set_entry;

/* Best first. */
static const set_entry sets[] = {
    {"avx512", ds4_kernels_avx512},
    {"avx2", ds4_kernels_avx2},
    {"neon", ds4_kernels_neon},
    {"scalar", ds4_kernels_scalar},
};

ds4_status ds4_kernels_pick(const char *name, const struct kernels **out, ds4_error *err) {
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        if (name && strcmp(name, sets[i].name) != 0)
            continue;
        const struct kernels *k = sets[i].get();
        if (k) {
            *out = k;
            return DS4_OK;
        }
        if (name)
            return ds4_fail(err, DS4_ERR_UNSUPPORTED, "kernel set \"%s\" does not run on this machine", name);
    }
    return ds4_fail(err, DS4_ERR_ARGUMENT,
                    "unknown kernel set \"%s\": expected scalar, avx2, avx512 or neon", name);
}
