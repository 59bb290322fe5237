/* solve_tril: parameters, tensors and mathematics.
 *
 * T is cut into chunks of BT rows, from the start of each sequence; a chunk's last rows may be missing (a tail).
 * Per chunk and head, with L the strictly lower triangle of A's tile (whatever stands on or above the diagonal is
 * ignored, NaN included):
 *   X = (I + L)^-1      X[i][i] = 1,  X[i][j] = -(sum over j <= k < i of L[i][k] X[k][j]),  X[i][j] = 0 for j > i
 * rounded once to X's type. In a tail of r rows the columns j >= r of X are 0 and of A are ignored. */
#ifndef PLUMBLINE_REFERENCE_SOLVE_TRIL_SOLVE_TRIL_H_
#define PLUMBLINE_REFERENCE_SOLVE_TRIL_SOLVE_TRIL_H_

#include "reference/operator.h"

enum plumb_solve_tril_tensor {
  PLUMB_SOLVE_TRIL_A = 0,          /* in  [B, T, H, BT], BT in 16, 32, 64; any strides, unit stride in BT */
  PLUMB_SOLVE_TRIL_X = 1,          /* out [B, T, H, BT], type of its own; any strides without overlap */
  PLUMB_SOLVE_TRIL_CU_SEQLENS = 2, /* in  [N + 1], i32 or i64, ascending from 0 to T, equal neighbours allowed;
                                          optional, and then B = 1. Rows from cu_seqlens[N] on keep every bit. */
  PLUMB_SOLVE_TRIL_TENSOR_COUNT = 3
};

typedef enum plumb_precision {
  PLUMB_IEEE = 0,   /* fp32 substitution in the canonical order */
  PLUMB_TF32X3 = 1, /* merges on tensor cores, each product as three tf32 products */
  PLUMB_TF32 = 2    /* merges on tensor cores in tf32 */
} plumb_precision;

/* auto: on where the device is sm_90 or newer and FLA_USE_TMA=1 stands in the caller's environment, else off */
typedef enum plumb_tma { PLUMB_TMA_OFF = 0, PLUMB_TMA_ON = 1, PLUMB_TMA_AUTO = 2 } plumb_tma;

typedef struct plumb_solve_tril_params {
  uint32_t abi_version;
  uint32_t struct_size;
  int32_t precision; /* plumb_precision */
  int32_t tma;       /* plumb_tma: off and on restrict the variants that may serve; auto restricts none */
} plumb_solve_tril_params;

#endif /* PLUMBLINE_REFERENCE_SOLVE_TRIL_SOLVE_TRIL_H_ */
