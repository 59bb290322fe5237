// rope's table of variants, as the host's selection sees it.
#pragma once

#include <span>

#include "reference/operator.h"

namespace plumb {

struct RopeVariant {
  const char* name;
  const char* requirements;
  int access;  // bytes of the accesses to q and k; 0: one element
  plumb_status (*launch)(const plumb_call& call);
};

std::span<const RopeVariant> rope_variants();

}  // namespace plumb
