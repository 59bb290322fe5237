// What a library's policy must keep to, whatever its kernels are: judged on described devices, without running
// anything.
#pragma once

#include <string>
#include <vector>

#include "harness/operators/suite.h"

namespace plumb {

// A library's answers to one call.
struct Answers {
  std::vector<plumb_status> supports;  // by variant
  plumb_status select = PLUMB_OK;
  std::int32_t selected = -1;

  bool serves(std::int32_t variant) const { return supports[static_cast<std::size_t>(variant)] == PLUMB_OK; }
  bool operator==(const Answers&) const = default;
};
Answers ask(const plumb_operator& op, const plumb_call& call);

// The policy's faults for one call, a sentence each; empty when it keeps every promise:
//   select takes a variant that supports() accepts, and refuses only what every variant refuses
//   the answers depend on addresses through their alignment alone, and not on the device's ordinal
//   words in a variant's name are kept (reference/operator.h, plumb_variant): vec<N>
//   what the operator's own suite asks for (OperatorSuite::policy_faults)
std::vector<std::string> selection_faults(const OperatorSuite& suite, const Problem& problem,
                                          const plumb_operator& op, const plumb_call& call);

// The same on an A100, an H200, an H200 whose driver has no tensor maps, and a B200, at addresses that nobody
// reads.
std::vector<std::string> selection_faults_on_described_devices(const OperatorSuite& suite, const Problem& problem,
                                                               const plumb_operator& op);

// The number behind a word of a variant's name: 16 for "vec" in "d64_vec16"; 0 without such a word.
int promised(const char* name, std::string_view word);

}  // namespace plumb
