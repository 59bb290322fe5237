/* The steering wheel of the tiny test library: what its operators answer, set by the test that opened it. */
#ifndef PLUMBLINE_HARNESS_TEST_LIBRARIES_TINY_H_
#define PLUMBLINE_HARNESS_TEST_LIBRARIES_TINY_H_

#include <stdint.h>

#define TINY_SCRIPT_SYMBOL "tiny_script"

/* Places in the table of variants, the same for every operator. */
enum tiny_variant {
  TINY_ONE = 0,    /* canonical */
  TINY_TWO = 1,    /* canonical */
  TINY_TENSOR = 2, /* class "tensor_core" */
  TINY_OTHER = 3,  /* class "tensor_core" */
  TINY_LOOSE = 4,  /* promises no bits */
  TINY_VARIANT_COUNT = 5
};

typedef struct TinyScript {
  int32_t select_status; /* plumb_status */
  int32_t selected;
  uint32_t refused; /* bit i: supports() says PLUMB_UNSUPPORTED of variant i */
} TinyScript;

#endif /* PLUMBLINE_HARNESS_TEST_LIBRARIES_TINY_H_ */
