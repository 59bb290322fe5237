/* The contract between the harness and any library of GPU operators: plain C, one exported symbol.
 *
 * A library exports `plumb_library_v1` (type plumb_library_fn) and nothing else. It returns a table of operators;
 * an operator is a list of variants, a pure selection policy and a launch. Nothing here throws; a function that
 * fails returns a status and leaves a sentence for last_error(). Parameter structs stand in <op>/<op>.h. */
#ifndef PLUMBLINE_REFERENCE_OPERATOR_H_
#define PLUMBLINE_REFERENCE_OPERATOR_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PLUMB_ABI_VERSION 1u
#define PLUMB_LIBRARY_SYMBOL "plumb_library_v1"
#define PLUMB_MAX_RANK 4

typedef enum plumb_status {
  PLUMB_OK = 0,
  PLUMB_INVALID_ARGUMENT = 1, /* the call is wrong for every variant; nothing was written */
  PLUMB_UNSUPPORTED = 2,      /* the call is right, this variant (or every variant) cannot serve it */
  PLUMB_DEVICE_ERROR = 3,     /* the CUDA runtime or driver refused; last_error() has its words */
  PLUMB_WORKSPACE_TOO_SMALL = 4
} plumb_status;

typedef enum plumb_dtype { PLUMB_F32 = 0, PLUMB_BF16 = 1, PLUMB_F16 = 2, PLUMB_I32 = 3, PLUMB_I64 = 4 } plumb_dtype;

/* A strided tensor. `data` points at element (0, ..., 0); strides are in elements and never negative.
 * An optional tensor that is absent has data == NULL and rank == 0. */
typedef struct plumb_tensor {
  uint32_t abi_version;
  uint32_t struct_size;
  void* data;
  int32_t dtype; /* plumb_dtype */
  int32_t rank;
  int64_t shape[PLUMB_MAX_RANK];
  int64_t stride[PLUMB_MAX_RANK];
} plumb_tensor;

/* The device that owns the tensors, as described by the caller: selection never asks the machine. */
typedef struct plumb_device {
  uint32_t abi_version;
  uint32_t struct_size;
  int32_t ordinal;        /* CUDA device ordinal; launch makes it current for the call */
  int32_t sm;             /* compute capability times ten: 80, 90, 100 */
  int32_t sm_count;       /* multiprocessors */
  int32_t smem_per_block; /* bytes of shared memory a block may opt in to */
  int32_t has_tensor_map; /* 1 when the driver offers cuTensorMapEncodeTiled */
  int32_t reserved;
  int64_t l2_bytes;
  const char* fla_use_tma; /* value of FLA_USE_TMA in the caller's environment; NULL when unset */
} plumb_device;

/* plumb_call.flags */
#define PLUMB_DEPENDENT_LAUNCH 1u /* launch with programmatic stream serialization (sm_90+) */

/* One call of an operator. supports, select and workspace_bytes read everything but workspace, stream and flags,
 * and no tensor's contents: they are pure functions of the description, the pointers' alignment included. */
typedef struct plumb_call {
  uint32_t abi_version;
  uint32_t struct_size;
  const plumb_device* device;
  const void* params;          /* plumb_<op>_params */
  const plumb_tensor* tensors; /* in the order of the operator's enum */
  int32_t tensor_count;
  uint32_t flags;
  void* workspace; /* device memory, 256-byte aligned */
  size_t workspace_bytes;
  void* stream; /* cudaStream_t */
} plumb_call;

typedef struct plumb_variant {
  uint32_t abi_version;
  uint32_t struct_size;
  const char* name; /* "scalar", "d128_staged_h4". Words between '_' that promise something, which the harness
                       holds supports() to: vec<N>, rows of what is written, and of inputs of that shape, begin
                       at multiples of N bytes; in qk_norm_rope d<N>, heads of N elements */
  const char* requirements; /* one sentence for people */
  const char* bit_class;    /* "canonical": the bits of reference/<op>/replay.cpp; any other word names a class of
                               variants with equal bits among themselves; "" promises nothing */
} plumb_variant;

typedef struct plumb_operator {
  uint32_t abi_version;
  uint32_t struct_size;
  const char* name;
  int32_t variant_count;
  int32_t reserved;
  const plumb_variant* (*variant)(int32_t index); /* NULL when out of range */
  /* PLUMB_OK, or PLUMB_UNSUPPORTED / PLUMB_INVALID_ARGUMENT with the reason in last_error(). */
  plumb_status (*supports)(const plumb_call* call, int32_t variant);
  /* The policy: which variant serves this call best on the described device. */
  plumb_status (*select)(const plumb_call* call, int32_t* variant);
  plumb_status (*workspace_bytes)(const plumb_call* call, int32_t variant, size_t* bytes);
  /* Enqueues on call->stream and returns; *served is the variant whose kernel was enqueued, -1 where an empty
   * tensor made the call a no-op. It never runs another variant than the one asked for. Safe under capture. */
  plumb_status (*launch)(const plumb_call* call, int32_t variant, int32_t* served);
} plumb_operator;

typedef struct plumb_library {
  uint32_t abi_version;
  uint32_t struct_size;
  const char* name;
  const char* version; /* free text: version, commit, architectures */
  int32_t operator_count;
  int32_t reserved;
  const plumb_operator* (*operator_at)(int32_t index); /* NULL when out of range */
  const char* (*last_error)(void);                     /* of the calling thread; never NULL */
} plumb_library;

typedef const plumb_library* (*plumb_library_fn)(void);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* PLUMBLINE_REFERENCE_OPERATOR_H_ */
