// libFuzzer's entry to one of the functions of targets.h; FUZZED is its name.
#include "harness/fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  plumb::FUZZED({data, size});
  return 0;
}
