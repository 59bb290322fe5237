/* qk_norm_rope: parameters, tensors and mathematics.
 *
 * In place on packed qkv. Every q head and every k head, on its own:
 *   n = x * (1 / sqrt(mean(x^2) + eps)) * weight          (q_weight for q heads, k_weight for k heads)
 *   y = rope(n)                                           (reference/rope/rope.h), rounded once
 * v heads keep every bit. A token whose position is outside [0, max_position) keeps every bit of all its heads. */
#ifndef PLUMBLINE_REFERENCE_QK_NORM_ROPE_QK_NORM_ROPE_H_
#define PLUMBLINE_REFERENCE_QK_NORM_ROPE_QK_NORM_ROPE_H_

#include "reference/rope/rope.h"

enum plumb_qk_norm_rope_tensor {
  PLUMB_QK_NORM_ROPE_QKV = 0,           /* in, out [tokens, (hq + hk + hv) * head_dim], any row stride */
  PLUMB_QK_NORM_ROPE_Q_WEIGHT = 1,      /* in      [head_dim], qkv's type */
  PLUMB_QK_NORM_ROPE_K_WEIGHT = 2,      /* in      [head_dim], qkv's type */
  PLUMB_QK_NORM_ROPE_POSITIONS = 3,     /* in      [tokens], i64 */
  PLUMB_QK_NORM_ROPE_COS_SIN_CACHE = 4, /* in      [max_position, rotary_dim], qkv's type or f32, contiguous */
  PLUMB_QK_NORM_ROPE_TENSOR_COUNT = 5
};

typedef struct plumb_qk_norm_rope_params {
  uint32_t abi_version;
  uint32_t struct_size;
  int32_t heads_q;        /* >= 1 */
  int32_t heads_k;        /* >= 0 */
  int32_t heads_v;        /* >= 0 */
  int32_t head_dim;       /* even, 2 .. 512 */
  int32_t rotary_dim;     /* even, 2 .. head_dim */
  int32_t style;          /* plumb_rope_style */
  int32_t heads_per_warp; /* -1: the selector decides; 1, 2, 4, 8: only staged variants of that many may serve */
  float eps;              /* >= 0 */
} plumb_qk_norm_rope_params;

#endif /* PLUMBLINE_REFERENCE_QK_NORM_ROPE_QK_NORM_ROPE_H_ */
