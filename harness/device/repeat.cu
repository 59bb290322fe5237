// Tensors of billions of elements from a few thousand rows: the rows repeat, on the way in and in what must come
// out.
#include <cuda_runtime.h>

#include "harness/device/repeat.h"

namespace plumb {
namespace {

constexpr int kBlocks = 1024, kThreads = 256;
using Piece = uint4;

// The piece of the short storage that stands at piece i of the long one.
__device__ std::size_t source_of(const RepeatMap& map, std::size_t i) {
  const std::size_t head = map.head / 16, period = map.period / 16, repeated = map.repeated / 16;
  if (i < head) return i;
  return i < head + repeated ? head + (i - head) % period : i - repeated + period;
}

__global__ void repeat_kernel(RepeatMap map, const Piece* from_short, Piece* to_long) {
  const std::size_t count = map.head / 16 + map.repeated / 16 + map.tail / 16;
  for (std::size_t i = blockIdx.x * std::size_t{kThreads} + threadIdx.x; i < count;
       i += std::size_t{kBlocks} * kThreads) {
    to_long[i] = from_short[source_of(map, i)];
  }
}

__global__ void compare_kernel(RepeatMap map, const Piece* from_short, const Piece* from_long,
                               RepeatDifference* difference) {
  const std::size_t count = map.head / 16 + map.repeated / 16 + map.tail / 16;
  unsigned long long pieces = 0, first = ~0ull;
  for (std::size_t i = blockIdx.x * std::size_t{kThreads} + threadIdx.x; i < count;
       i += std::size_t{kBlocks} * kThreads) {
    const Piece a = from_short[source_of(map, i)], b = from_long[i];
    if (a.x == b.x && a.y == b.y && a.z == b.z && a.w == b.w) continue;
    if (pieces++ == 0) first = i * 16;
  }
  if (pieces == 0) return;
  atomicAdd(reinterpret_cast<unsigned long long*>(&difference->pieces), pieces);
  atomicMin(reinterpret_cast<unsigned long long*>(&difference->first_byte), first);
}

}  // namespace

void enqueue_repeat(CUstream_st* stream, const RepeatMap& map, const std::byte* from_short, std::byte* to_long) {
  repeat_kernel<<<kBlocks, kThreads, 0, stream>>>(map, reinterpret_cast<const Piece*>(from_short),
                                                  reinterpret_cast<Piece*>(to_long));
}

void enqueue_first_period(CUstream_st* stream, const RepeatMap& map, const std::byte* from_long,
                          std::byte* to_short) {
  const std::size_t front = map.head + map.period;
  cudaMemcpyAsync(to_short, from_long, front, cudaMemcpyDeviceToDevice, stream);
  cudaMemcpyAsync(to_short + front, from_long + map.head + map.repeated, map.tail, cudaMemcpyDeviceToDevice,
                  stream);
}

void enqueue_compare(CUstream_st* stream, const RepeatMap& map, const std::byte* from_short,
                     const std::byte* from_long, RepeatDifference* difference) {
  compare_kernel<<<kBlocks, kThreads, 0, stream>>>(map, reinterpret_cast<const Piece*>(from_short),
                                                   reinterpret_cast<const Piece*>(from_long), difference);
}

}  // namespace plumb
