// rms_norm's table of variants, as the host's selection sees it.
#pragma once

#include <span>

#include "reference/operator.h"

namespace plumb {

struct RmsNormVariant {
  const char* name;
  const char* requirements;
  int access;  // bytes of the accesses; 0: one element
  plumb_status (*launch)(const plumb_call& call);
};

std::span<const RmsNormVariant> rms_norm_variants();

}  // namespace plumb
