// Owners of CUDA resources and one way to turn a failed call into a sentence.
#pragma once

#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include <cstddef>
#include <utility>

#include "harness/error.h"

namespace plumb {

inline void cuda_check(cudaError_t status, const char* what) {
  if (status != cudaSuccess) throw HarnessError(fmt::format("{}: {}", what, cudaGetErrorString(status)));
}

// Memory that grows when asked for more and is given back at the end. `Host` memory is pinned.
template <bool kHost>
class CudaBuffer {
 public:
  CudaBuffer() = default;
  CudaBuffer(const CudaBuffer&) = delete;
  CudaBuffer& operator=(const CudaBuffer&) = delete;
  ~CudaBuffer() { release(); }

  // At least `bytes`; the contents are lost when it grows.
  std::byte* reserve(std::size_t bytes, const char* what) {
    if (bytes <= size_) return data_;
    release();
    void* data = nullptr;
    const cudaError_t status = kHost ? cudaMallocHost(&data, bytes) : cudaMalloc(&data, bytes);
    if (status != cudaSuccess) {
      cudaGetLastError();  // out of memory is not sticky: clear it
      throw HarnessError(fmt::format("{}: {} bytes of {} memory could not be had: {}", what, bytes,
                                     kHost ? "pinned host" : "device", cudaGetErrorString(status)));
    }
    data_ = static_cast<std::byte*>(data);
    size_ = bytes;
    return data_;
  }
  std::byte* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  void release() {
    if (data_) kHost ? cudaFreeHost(data_) : cudaFree(data_);
    data_ = nullptr;
    size_ = 0;
  }
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

using DeviceBuffer = CudaBuffer<false>;
using PinnedBuffer = CudaBuffer<true>;

}  // namespace plumb
