// Devices as their data sheets have them.
#include "harness/cases/call.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "harness/error.h"

namespace plumb {

plumb_device described_device(int sm) {
  struct Row {
    int sm, sm_count, smem_kib, l2_mib;
  };
  constexpr Row rows[] = {{80, 108, 163, 40}, {90, 132, 227, 50}, {100, 148, 227, 126}};
  const Row* row = std::find_if(std::begin(rows), std::end(rows), [sm](const Row& r) { return r.sm == sm; });
  if (row == std::end(rows)) throw HarnessError("sm_" + std::to_string(sm) + ": expected 80, 90 or 100");
  auto device = versioned<plumb_device>();
  device.sm = sm;
  device.sm_count = row->sm_count;
  device.smem_per_block = row->smem_kib * 1024;
  device.l2_bytes = std::int64_t{row->l2_mib} << 20;
  device.has_tensor_map = sm >= 90;
  return device;
}

}  // namespace plumb
