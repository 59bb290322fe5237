// Writing sample cases.
#include "harness/golden/sample.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/cases/block.h"
#include "harness/golden/safetensors.h"
#include "harness/operators/suite.h"

namespace plumb {
namespace {

// One small case of each kind that another implementation trips over first.
constexpr const char* kSamples[] = {
    "rms_norm/bf16/rows=4,hidden=769/residual=yes,gemma=yes/seed=7",
    "rms_norm/fp16/rows=4,hidden=256/rounding=before_weight/seed=7",
    "rope/bf16/tokens=5,hq=4,hk=2,D=128,rotary=96/positions=padded/seed=7",
    "rope/fp32/tokens=5,hq=2,hk=1,D=64,rotary=64/style=interleaved/seed=7",
    "qk_norm_rope/bf16/tokens=5,hq=4,hk=2,hv=2,D=128,rotary=128/seed=7",
    "qk_norm_rope/fp16/tokens=5,hq=4,hk=2,hv=2,D=64,rotary=12/style=interleaved,cache=fp32/seed=7",
    "solve_tril/fp32/B=1,T=150,H=2,BT=64/seqs=mixed,keys=corr06,decay=weak/seed=7",
    "solve_tril/bf16/B=2,T=70,H=2,BT=32/out=bf16,beta=near2/seed=7",
};

}  // namespace

int write_samples(const std::string& folder) {
  int count = 0;
  for (const char* name : kSamples) {
    const Case point = parse_case(name);
    const OperatorSuite& suite = *find_suite(point.schema->operator_name);
    const Problem problem = suite.build(point);
    Problem replayed = clone(problem);
    suite.replay(replayed);
    const auto expected = suite.oracle(problem);

    std::vector<std::pair<std::string, plumb_tensor>> tensors;
    for (const HostTensor& tensor : problem.tensors) {
      if (is_present(tensor.view) && tensor.role != Role::kOutput) tensors.emplace_back(tensor.name, tensor.view);
    }
    std::vector<std::vector<float>> oracle(expected.size());  // keeps the memory that the tensors point to
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const auto at = static_cast<std::size_t>(problem.outputs[i]);
      const HostTensor& tensor = replayed.tensors[at];
      if (!is_present(tensor.view)) continue;
      tensors.emplace_back(tensor.name + ".expected", tensor.view);
      oracle[i].assign(expected[i].value.begin(), expected[i].value.end());
      plumb_tensor values = versioned<plumb_tensor>();
      values.data = oracle[i].data();
      values.dtype = PLUMB_F32;
      values.rank = tensor.view.rank;
      std::copy_n(tensor.view.shape, PLUMB_MAX_RANK, values.shape);
      for (std::int64_t axis = values.rank - 1, step = 1; axis >= 0; --axis) {
        values.stride[axis] = step;
        step *= values.shape[axis];
      }
      tensors.emplace_back(tensor.name + ".oracle", values);
    }
    std::string file = name_of(point);
    std::replace(file.begin(), file.end(), '/', '-');
    write_safetensors(fmt::format("{}/{}.safetensors", folder, file), tensors, {{"case", name_of(point)}});
    ++count;
  }
  return count;
}

}  // namespace plumb
