/* kernels_hc.h - hyper-connections, over the vector words of kernels_float.h. */

/* One normalisation step: every group of n entries (stride apart) divided by its sum + eps. */
INLINE void hc_normalize(vf *c, const size_t n, const size_t group, const size_t stride, vf eps) {
#pragma GCC unroll 8
    for (size_t g = 0; g < n; g++) {
        vf sum = c[g * group];
#pragma GCC unroll 8
        for (size_t i = 1; i < n; i++)
            sum = V_ADD(sum, c[g * group + i * stride]);
        vf inv = V_DIV(V_SET1(1.0f), V_ADD(sum, eps));
#pragma GCC unroll 8
        for (size_t i = 0; i < n; i++)
            c[g * group + i * stride] = V_MUL(c[g * group + i * stride], inv);
    }
}

INLINE void hc_softmax_row(vf *c, const size_t n, vf eps) {
    vf m = c[0], sum = V_SET1(0.0f);
    for (size_t j = 1; j < n; j++)
        m = V_MAX(m, c[j]);
    for (size_t j = 0; j < n; j++) {
        c[j] = v_exp(V_SUB(c[j], m));
        sum = V_ADD(sum, c[j]);
    }
    for (size_t j = 0; j < n; j++)
        c[j] = V_ADD(V_DIV(c[j], sum), eps);
}

INLINE void hc_split_n(ds4_hc_weights *w, const float *mixT, const float *base, const float *scale,
                       const size_t n, size_t iters, float eps) {
    vf ev = V_SET1(eps), c[HC_MAX * HC_MAX];
    for (size_t h = 0; h < n; h++) {
        vf pre = V_FMA(V_LOAD(mixT + h * VL), V_SET1(scale[0]), V_SET1(base[h]));
        vf post = V_FMA(V_LOAD(mixT + (n + h) * VL), V_SET1(scale[1]), V_SET1(base[n + h]));
        V_STORE(w->pre + h * VL, V_ADD(v_sigmoid(pre), ev));
        V_STORE(w->post + h * VL, V_MUL(V_SET1(2.0f), v_sigmoid(post)));
    }
    for (size_t i = 0; i < n * n; i++)
        c[i] = V_FMA(V_LOAD(mixT + (2 * n + i) * VL), V_SET1(scale[2]), V_SET1(base[2 * n + i]));
    for (size_t i = 0; i < n; i++)
        hc_softmax_row(c + i * n, n, ev);
    hc_normalize(c, n, 1, n, ev);
    for (size_t it = 1; it < iters; it++) {
        hc_normalize(c, n, n, 1, ev);
        hc_normalize(c, n, 1, n, ev);
    }
    for (size_t i = 0; i < n * n; i++)
        V_STORE(w->comb + i * VL, c[i]);
}

static void f_hc_split(ds4_hc_weights *w, const float *mixT, const float *base, const float *scale,
                       size_t n, size_t iters, float eps) {
    if (n == 4)
        hc_split_n(w, mixT, base, scale, 4, iters, eps);
    else
        hc_split_n(w, mixT, base, scale, n, iters, eps);
}

static void f_hc_mix(float *x, const float *s, const float *pre, size_t step, size_t n, size_t d) {
    for (size_t i = 0; i < d; i += VL) {
        vf acc = V_MUL(V_SET1(pre[0]), load_some(s + i, d - i));
        for (size_t h = 1; h < n; h++)
            acc = V_FMA(V_SET1(pre[h * step]), load_some(s + h * d + i, d - i), acc);
        store_some(x + i, acc, d - i);
    }
}

INLINE void hc_post_n(float *s, const float *y, const float *post, const float *comb, size_t step,
                      const size_t n, size_t d, size_t i0, size_t i1) {
    for (size_t i = i0; i < i1; i += VL) {
        vf in[HC_MAX] = {V_SET1(0.0f)}, yv = load_some(y + i, i1 - i);
#pragma GCC unroll 8
        for (size_t j = 0; j < n; j++)
            in[j] = load_some(s + j * d + i, i1 - i);
#pragma GCC unroll 8
        for (size_t k = 0; k < n; k++) {
            vf acc = V_MUL(V_SET1(post[k * step]), yv);
#pragma GCC unroll 8
            for (size_t j = 0; j < n; j++)
                acc = V_FMA(V_SET1(comb[(j * n + k) * step]), in[j], acc);
            store_some(s + k * d + i, acc, i1 - i);
        }
    }
}

static void f_hc_post(float *s, const float *y, const float *post, const float *comb, size_t step,
                      size_t n, size_t d, size_t i0, size_t i1) {
    if (n == 4)
        hc_post_n(s, y, post, comb, step, 4, d, i0, i1);
    else
        hc_post_n(s, y, post, comb, step, n, d, i0, i1);
}
