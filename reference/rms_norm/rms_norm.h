/* rms_norm: parameters, tensors and mathematics.
 *
 *   residual:       h = round(x + residual), stored back to residual     (without a residual h = x)
 *   inv           = 1 / sqrt(mean(h^2) + eps)                            (mean over the row)
 *   once:           y = round(h * inv * (weight + weight_offset))
 *   before_weight:  y = round(round(h * inv) * (weight + weight_offset)) (the Hugging Face order)
 *
 * round() is to nearest even in y's type; all other arithmetic is fp32. */
#ifndef PLUMBLINE_REFERENCE_RMS_NORM_RMS_NORM_H_
#define PLUMBLINE_REFERENCE_RMS_NORM_RMS_NORM_H_

#include "reference/operator.h"

enum plumb_rms_norm_tensor {
  PLUMB_RMS_NORM_X = 0,        /* in      [rows, hidden], any row stride, unit element stride */
  PLUMB_RMS_NORM_WEIGHT = 1,   /* in      [hidden], x's type or f32 */
  PLUMB_RMS_NORM_RESIDUAL = 2, /* in, out [rows, hidden], x's type; optional */
  PLUMB_RMS_NORM_Y = 3,        /* out     [rows, hidden], x's type; may be x itself with the same strides */
  PLUMB_RMS_NORM_TENSOR_COUNT = 4
};

typedef enum plumb_rms_norm_rounding {
  PLUMB_ROUND_ONCE = 0,
  PLUMB_ROUND_BEFORE_WEIGHT = 1
} plumb_rms_norm_rounding;

typedef struct plumb_rms_norm_params {
  uint32_t abi_version;
  uint32_t struct_size;
  float eps;           /* >= 0, added to the mean of squares */
  float weight_offset; /* 0, or 1 for Gemma */
  int32_t rounding;    /* plumb_rms_norm_rounding */
  int32_t reserved;
} plumb_rms_norm_params;

#endif /* PLUMBLINE_REFERENCE_RMS_NORM_RMS_NORM_H_ */
