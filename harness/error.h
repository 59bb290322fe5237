// The one exception of the harness: something that ends a command with a sentence and exit code 2.
#pragma once

#include <stdexcept>
#include <string>

namespace plumb {

// Wrong usage, a damaged file, a missing library or device. Mismatches are values, never this.
class HarnessError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

enum ExitCode { kExitPass = 0, kExitMismatch = 1, kExitError = 2, kExitMistrusted = 3 };

}  // namespace plumb
