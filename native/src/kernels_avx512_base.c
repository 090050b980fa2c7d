/* kernels_avx512_base.c - AVX-512 for processors that have it without VNNI. */
#include "kernels.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,fma,f16c")
#endif

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#include "kernels_avx512.h"

const struct kernels *ds4_kernels_avx512_base(void) {
    static const struct kernels set = {.name = "avx512", AVX512_KERNELS};
    return avx512_supported() ? &set : NULL;
}

#else
const struct kernels *ds4_kernels_avx512_base(void) {
    return NULL;
}
#endif
