/* rope: parameters, tensors and mathematics.
 *
 * In place on every head of q and k; with r = rotary_dim, position p and c, s = cos_sin_cache[p, i],
 * cos_sin_cache[p, r/2 + i] for i in [0, r/2):
 *   neox:         (x1, x2) = (x[i], x[i + r/2])
 *   interleaved:  (x1, x2) = (x[2i], x[2i + 1])
 *   y1 = x1 c - x2 s,   y2 = x2 c + x1 s
 * Elements from r on keep every bit. A token whose position is outside [0, max_position) keeps every bit: a
 * negative position marks a padded token. */
#ifndef PLUMBLINE_REFERENCE_ROPE_ROPE_H_
#define PLUMBLINE_REFERENCE_ROPE_ROPE_H_

#include "reference/operator.h"

enum plumb_rope_tensor {
  PLUMB_ROPE_Q = 0,             /* in, out [tokens, heads_q, head_dim], any strides without overlap */
  PLUMB_ROPE_K = 1,             /* in, out [tokens, heads_k, head_dim], q's type, any strides; optional */
  PLUMB_ROPE_POSITIONS = 2,     /* in      [tokens], i64, unit stride */
  PLUMB_ROPE_COS_SIN_CACHE = 3, /* in      [max_position, rotary_dim], q's type or f32, contiguous */
  PLUMB_ROPE_TENSOR_COUNT = 4
};

typedef enum plumb_rope_style { PLUMB_ROPE_NEOX = 0, PLUMB_ROPE_INTERLEAVED = 1 } plumb_rope_style;

typedef struct plumb_rope_params {
  uint32_t abi_version;
  uint32_t struct_size;
  int32_t style;      /* plumb_rope_style */
  int32_t rotary_dim; /* even, 2 .. head_dim */
} plumb_rope_params;

#endif /* PLUMBLINE_REFERENCE_ROPE_ROPE_H_ */
