// Whole cases as safetensors files, for tools in other languages.
#pragma once

#include <string>

namespace plumb {

// Writes a handful of small cases of every operator into the folder: inputs, the replay's outputs (the bits of
// every canonical variant) under "<tensor>.expected", the oracle's float64 values rounded to f32 under
// "<tensor>.oracle". Returns how many were written.
int write_samples(const std::string& folder);

}  // namespace plumb
