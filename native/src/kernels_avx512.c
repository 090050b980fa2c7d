/* kernels_avx512.c - AVX-512 with VNNI. */
#include "kernels.h"

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__) && \
    defined(__AVX512VNNI__)
#define AVX512_VNNI
#include "kernels_avx512.h"

const struct kernels *ds4_kernels_avx512(void) {
    static const struct kernels set = {.name = "avx512-vnni", AVX512_KERNELS};
    if (!avx512_supported() || !__builtin_cpu_supports("avx512vnni"))
        return ds4_kernels_avx512_base();
    return &set;
}

#else
const struct kernels *ds4_kernels_avx512(void) {
    return ds4_kernels_avx512_base();
}
#endif
