// The launches by columns.
#include "optimized/solve_tril/columns.h"
#include "optimized/solve_tril/columns_kernel.cuh"
#include "optimized/solve_tril/launch.cuh"

namespace plumb::solve_tril {
namespace {

// Measured on an H200, T = 512 .. 32768 with 32 heads: by columns is 2-25% faster but where BT is 32 and X fp32.
// There blocks, which store whole rows of X, are 3% faster from 8 tiles per multiprocessor on. Two tiles side by
// side instead of four are 7-9% faster where X is fp32, and up to 4 tiles per multiprocessor.
constexpr int kTilesPerSmByTwo = 4;
constexpr int kTilesPerSmByColumns = 8;

// More than that are solved by five blocks of four tiles on a multiprocessor instead of four. H200, fp32 to
// bf16: 80.8 us instead of 82.2 at T = 32768, 32 heads, but 26.9 instead of 25.0 at 8192; with TMA 81.7 instead
// of 85.4 and 25.7 instead of 25.4 (48 heads: 34.6 instead of 36.1). Of bf16 they are slower.
constexpr int kTilesPerSmByFour = 32;

bool has_at_most(const plumb_call& call, std::int64_t tiles_per_sm) {
  return solve_tril_tiles(call) <= tiles_per_sm * call.device->sm_count;
}

template <bool kTma>
struct ByColumns {
  template <class A, class X, int kChunk>
  static plumb_status run(const plumb_call& call) {
    if constexpr (kChunk == 64) {
      if (sizeof(X) == 4 || has_at_most(call, kTilesPerSmByTwo)) return side_by_side<A, X, kChunk, 2>(call);
    }
    if constexpr (kChunk == 64 && sizeof(A) == 4 && sizeof(X) == 2) {
      if (!has_at_most(call, kTilesPerSmByFour)) return side_by_side<A, X, kChunk, 4, 5>(call);
    }
    if constexpr (kChunk < 64 || sizeof(X) == 2) return side_by_side<A, X, kChunk, 4>(call);
  }

  // A team for each kTiles tiles.
  template <class A, class X, int kChunk, int kTiles, int kResident = kColumnsResident<kChunk, kTiles>>
  static plumb_status side_by_side(const plumb_call& call) {
    const bool sequences = is_present(call.tensors[PLUMB_SOLVE_TRIL_CU_SEQLENS]);
    const auto arguments = arguments_of(call, kTma || sequences ? kTiles : 1);
    constexpr unsigned kOfBlock = kColumnTeams<kChunk> * kTiles;
    const LaunchShape shape{.grid = (arguments.tiles + kOfBlock - 1) / kOfBlock,
                            .block = 32 * kColumnWarps<kChunk>,
                            .shared_bytes = ColumnSolver<A, X, kChunk, kTiles, kResident, kTma>::kSharedBytes};
    if constexpr (kTma) {
      CUtensorMap a_map;
      const auto status = tensor_map(solve_tril_a_units(call, kTiles), call.device->ordinal, &a_map);
      if (status != PLUMB_OK) return status;
      return launch_kernel(call, columns_tma_kernel<A, X, kChunk, kTiles, kResident>, shape, arguments, a_map);
    } else {
      return launch_kernel(call, columns_kernel<A, X, kChunk, kTiles, kResident>, shape, arguments);
    }
  }
};

}  // namespace

bool are_columns_fastest(const plumb_call& call) {
  const auto& x = call.tensors[PLUMB_SOLVE_TRIL_X];
  // By columns a token's stride is a 32-bit number, and up to three numbers per slot stand for no tile.
  if (x.stride[1] >> 32 != 0 || solve_tril_tiles(call) > kDividerLimit / 4) return false;
  return x.shape[3] != 32 || size_of(dtype_of(x)) == 2 || has_at_most(call, kTilesPerSmByColumns);
}

plumb_status launch_columns(const plumb_call& call) { return launch_typed<ByColumns<false>>(call); }
plumb_status launch_columns_tma(const plumb_call& call) { return launch_typed<ByColumns<true>>(call); }

}  // namespace plumb::solve_tril
