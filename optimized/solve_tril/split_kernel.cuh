// Device code of vec16_split: a warp for each block of X, for launches too small to fill the device.
#pragma once

#include "optimized/device/dependent_launch.cuh"
#include "optimized/device/named_barrier.cuh"
#include "optimized/solve_tril/plain.cuh"

namespace plumb::solve_tril {

// Block (p, q) of X, by one warp: lane l has column l % 16, of it the rows 8 h .. 8 h + 7 with h = l / 16. Once
// (m, q) is there for all to read, the warps of the block rows below take its products at the same time; so the way
// from first row to last is four substitutions and three products.
//
// kPerSm: so many blocks of threads run on a multiprocessor at once. A second one costs the registers that would
// hold more of A in advance and let the first half of a block of X be used while the second is made.
template <class A, class X, int kChunk, int kPerSm>
struct BlockOfX {
  static constexpr int kBlock = 16, kHalf = 8, kSide = kChunk / kBlock;
  static constexpr int kBlocks = kSide * (kSide + 1) / 2, kThreads = 32 * kBlocks;
  static constexpr int kKeptColumn = 20;  // floats from column to column of a block of X: 4 lanes' 16 bytes a bank

  using ABlock = float[kBlock][kBlock];
  using XBlock = float[kBlock][kKeptColumn];  // by columns

  struct Shared {
    ABlock a[kBlocks];  // (0,0) (1,0) (1,1) (2,0) ...
    XBlock x[kBlocks];
    X* tile_of_x[kBlocks];  // by warps, each for itself; here, as registers are scarce
  };

  static __host__ __device__ constexpr int block_at(int p, int q) { return p * (p + 1) / 2 + q; }
  static __device__ __forceinline__ int row_of(int block) {
    return block < 1 ? 0 : block < 3 ? 1 : block < 6 ? 2 : 3;
  }

  // Four columns of the lane's rows of a block of A.
  struct Part {
    float4 row[kHalf];
    __device__ __forceinline__ void fetch(const ABlock& block, int half, int k0) {
#pragma unroll
      for (int i = 0; i < kHalf; ++i) row[i] = *reinterpret_cast<const float4*>(&block[kHalf * half + i][k0]);
    }
  };

  Shared& shared;
  int p, q, column, half;

  static __device__ __forceinline__ void multiply(float (&values)[kHalf], const Part& a, const float4& x) {
#pragma unroll
    for (int i = 0; i < kHalf; ++i) values[i] = fmaf(-a.row[i].x, x.x, values[i]);
#pragma unroll
    for (int i = 0; i < kHalf; ++i) values[i] = fmaf(-a.row[i].y, x.y, values[i]);
#pragma unroll
    for (int i = 0; i < kHalf; ++i) values[i] = fmaf(-a.row[i].z, x.z, values[i]);
#pragma unroll
    for (int i = 0; i < kHalf; ++i) values[i] = fmaf(-a.row[i].w, x.w, values[i]);
  }

  static constexpr int kAhead = kPerSm == 1 ? 2 : 1;  // parts of A (p, m) fetched before X (m, q) is there
  static constexpr bool kByHalves = kPerSm == 1;      // a block of X is passed on

  __device__ __forceinline__ void fetch_ahead(Part (&a)[2], int m) const {
#pragma unroll
    for (int i = 0; i < kAhead; ++i) a[i].fetch(shared.a[block_at(p, m)], half, 4 * i);
  }

  // Passes half `which` of block (m, q) of X on to the warps of the block rows below.
  __device__ __forceinline__ NamedBarrier x_is_kept(int m, int which) const {
    return {.id = 1 + 2 * block_at(m, q) + which, .threads = 32 * (kSide - m)};
  }

  // A's block row p >= 1 is in shared memory.
  static __device__ __forceinline__ NamedBarrier a_is_placed(int p) {
    return {.id = 2 * block_at(kSide - 1, 0) + p, .threads = 32 * (p + 1)};
  }

  // values -= A (p, m) X (m, q), k ascending; `a` holds what fetch_ahead brought.
  __device__ __forceinline__ void apply(float (&values)[kHalf], Part (&a)[2], int m) const {
    const ABlock& block = shared.a[block_at(p, m)];
    const auto* x = reinterpret_cast<const float4*>(shared.x[block_at(m, q)][column]);
    x_is_kept(m, 0).sync();
    const float4 first = x[0], second = x[1];
    if (kAhead < 2) a[1].fetch(block, half, 4);
    multiply(values, a[0], first);
    a[0].fetch(block, half, 8);
    multiply(values, a[1], second);
    a[1].fetch(block, half, 12);
    if (kByHalves) x_is_kept(m, 1).sync();
    const float4 third = x[2], fourth = x[3];
    multiply(values, a[0], third);
    multiply(values, a[1], fourth);
  }

  // Forward substitution in one half of the diagonal block.
  static __device__ __forceinline__ void substitute_half(float (&values)[kHalf], const ABlock& block, int first) {
    float rows[kHalf][kHalf];
#pragma unroll
    for (int i = 1; i < kHalf; ++i) {
#pragma unroll
      for (int k = 0; k < i; k += 4) {
        const float4 v = *reinterpret_cast<const float4*>(&block[first + i][first + k]);
        rows[i][k] = v.x, rows[i][k + 1] = v.y, rows[i][k + 2] = v.z, rows[i][k + 3] = v.w;
      }
    }
#pragma unroll
    for (int k = 0; k + 1 < kHalf; ++k) {
#pragma unroll
      for (int i = k + 1; i < kHalf; ++i) values[i] = fmaf(-rows[i][k], values[k], values[i]);
    }
  }

  // The diagonal block: the upper rows, then their products with the lower ones, then these. Each half's lanes go
  // along with the other's steps and drop what comes of it. X (p, q) is in shared memory afterwards.
  __device__ __forceinline__ void substitute(float (&values)[kHalf]) const {
    const ABlock& block = shared.a[block_at(p, p)];
    auto* const x = reinterpret_cast<float4*>(shared.x[block_at(p, q)][column]);
    float upper[kHalf];
#pragma unroll
    for (int i = 0; i < kHalf; ++i) upper[i] = values[i];
    substitute_half(upper, block, 0);
    if (half == 0) keep(upper, x);
    if (kByHalves && p + 1 < kSide) x_is_kept(p, 0).arrive();
    __syncwarp();
#pragma unroll
    for (int k0 = 0; k0 < kHalf; k0 += 4) {
      Part a;
      a.fetch(block, 1, k0);
      multiply(values, a, x[k0 / 4]);
    }
    substitute_half(values, block, kHalf);
    if (half == 1) keep(values, x + kHalf / 4);
    if (p + 1 < kSide) x_is_kept(p, kByHalves).arrive();
#pragma unroll
    for (int i = 0; i < kHalf; ++i) values[i] = half == 0 ? upper[i] : values[i];
  }

  static __device__ __forceinline__ void keep(const float (&values)[kHalf], float4* to) {
    to[0] = make_float4(values[0], values[1], values[2], values[3]);
    to[1] = make_float4(values[4], values[5], values[6], values[7]);
  }

  __device__ __forceinline__ void store(const float (&values)[kHalf], std::int64_t x_step, int rows) const {
    const int first_row = kBlock * p + kHalf * half;
    X* to = shared.tile_of_x[block_at(p, q)] + first_row * x_step + kBlock * q + column;
#pragma unroll
    for (int i = 0; i < kHalf; ++i) {
      if (first_row + i < rows) *to = from_float<X>(values[i]);
      to += x_step;
    }
  }

  // Returns whether the tile's last row came out finite, as far as it is the warp's.
  __device__ __forceinline__ bool solve(std::int64_t x_step, int rows) const {
    if (kBlock * p >= rows) {
#pragma unroll 1
      for (int m = q; m < p && kBlock * m < rows; ++m) {
        x_is_kept(m, 0).arrive();
        if (kByHalves) x_is_kept(m, 1).arrive();
      }
      return true;
    }
    float values[kHalf];
#pragma unroll
    for (int i = 0; i < kHalf; ++i) values[i] = p == q && kHalf * half + i == column ? 1.0f : 0.0f;
#pragma unroll 1
    for (int m = q; m < p; ++m) {
      Part a[2];
      fetch_ahead(a, m);
      apply(values, a, m);
    }
    substitute(values);
    store(values, x_step, rows);
    return kBlock * (p + 1) < rows || values[kHalf - 1] * 0.0f == 0.0f;
  }
};

// A warp's block of A on its way into shared memory, 16 bytes a time; of rows that do not exist zeros.
template <class B, class A>
struct BlockOfA {
  static constexpr int kPer = 16 / static_cast<int>(sizeof(A)), kAccesses = B::kBlock / kPer;
  static constexpr int kRounds = B::kBlock * kAccesses / 32;

  Packed<A, kPer> packed[kRounds];

  __device__ __forceinline__ void fetch(const Arguments& arguments, const Tile& tile, int p, int m, int lane) {
    constexpr int kRows = 32 / kAccesses;  // at a time
    const int first = lane % kAccesses * kPer, first_row = lane / kAccesses;
    const int left = tile.rows - B::kBlock * p - first_row;
    const A* from = static_cast<const A*>(arguments.a) +
                    tile.offset(arguments.a_stride, B::kBlock * p + first_row) + B::kBlock * m + first;
    asm volatile("" : "+l"(from));  // else the compiler computes each row's address from the beginning
#pragma unroll
    for (int round = 0; round < kRounds; ++round) {
#pragma unroll
      for (auto& word : packed[round].word) word = 0;
      if (round * kRows < left && (m < p || first < round * kRows + first_row)) {
        load<16>(packed[round], from + round * kRows * arguments.a_stride.token);
      }
    }
  }

  // As fp32.
  __device__ __forceinline__ void place(typename B::ABlock& block, int lane) const {
#pragma unroll
    for (int round = 0; round < kRounds; ++round) {
      float values[kPer];
      unpack(packed[round], values);
      float* const to = &block[(round * 32 + lane) / kAccesses][lane % kAccesses * kPer];
#pragma unroll
      for (int i = 0; i < kPer; i += 4) {
        *reinterpret_cast<float4*>(to + i) = make_float4(values[i], values[i + 1], values[i + 2], values[i + 3]);
      }
    }
  }
};

// Zeros in a block, 16 bytes a time; by a warp. `x`: the block's first element.
template <class X>
__device__ __forceinline__ void store_zeros(X* x, std::int64_t x_step, int rows, int lane) {
  constexpr int kPer = 16 / static_cast<int>(sizeof(X)), kAccesses = 16 / kPer;
#pragma unroll
  for (int round = 0; round < kAccesses / 2; ++round) {
    const int row = (round * 32 + lane) / kAccesses;
    if (row < rows) {
      *reinterpret_cast<uint4*>(x + row * x_step + lane % kAccesses * kPer) = make_uint4(0, 0, 0, 0);
    }
  }
}

template <class A, class X, int kChunk, int kPerSm>
__global__ void __launch_bounds__(BlockOfX<A, X, kChunk, kPerSm>::kThreads, kPerSm)
    split_kernel(const Arguments arguments) {
  using B = BlockOfX<A, X, kChunk, kPerSm>;
  union Memory {
    typename B::Shared blocks;
    float rows[kChunk][kChunk];
  };
  alignas(16) __shared__ Memory memory;
  const int lane = threadIdx.x % 32, warp = __shfl_sync(0xffffffffu, threadIdx.x / 32, 0);
  const Tile tile = tile_at<kChunk, true>(arguments, blockIdx.x);
  if (tile.rows == 0) return;
  const int p = B::row_of(warp), q = warp - B::block_at(p, 0);
  wait_for_producers();
  // In few instructions: ten warps each, of up to two blocks, go through them at the same time.
  BlockOfA<B, A> block_of_a;
  block_of_a.fetch(arguments, tile, p, q, lane);
  release_dependents();
  X* const x = static_cast<X*>(arguments.x) + tile.offset(arguments.x_stride);
  if (p + 1 < B::kSide) {  // the transposed blocks of the lower ones
    store_zeros(x + B::kBlock * (q * arguments.x_stride.token + p + 1), arguments.x_stride.token,
                tile.rows - B::kBlock * q, lane);
  }
  block_of_a.place(memory.blocks.a[warp], lane);
  if (lane == 0) memory.blocks.tile_of_x[warp] = x;
  __syncwarp();
  if (p > 0) B::a_is_placed(p).sync();
  const B solver{.shared = memory.blocks, .p = p, .q = q, .column = lane % 16, .half = lane / 16};
  const bool finite = solver.solve(arguments.x_stride.token, tile.rows);
  // What lies before a chain's first k was multiplied by zero instead of being left out.
  if (!__syncthreads_or(!finite)) return;
  __syncthreads();  // racecheck does not count the first barrier of all after those of some
  unsigned number = blockIdx.x;
  asm volatile("" : "+r"(number));  // the tile is found anew, as its registers were needed above
  solve_plainly<A, X, kChunk>(memory.rows, arguments, tile_at<kChunk, true>(arguments, number));
}

}  // namespace plumb::solve_tril
