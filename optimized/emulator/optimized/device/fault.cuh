// Stands for optimized/device/fault.cuh: what is emulated has no faults.
#pragma once

#include "reference/fault.h"

namespace plumb {

constexpr bool device_fault(Fault) { return false; }

}  // namespace plumb
