// Kernels that make a launch's life hard: a busy stream, busy multiprocessors, inputs that arrive late.
#pragma once

#include <cstddef>

struct CUstream_st;

namespace plumb {

// About `microseconds` of waiting on the stream, so that work on any other stream runs first.
void enqueue_delay(CUstream_st* stream, int microseconds);

// So many blocks of 1024 threads that do nothing for about `microseconds`: each takes half a multiprocessor.
void enqueue_crowd(CUstream_st* stream, int blocks, int microseconds);

// Copies `bytes` (a multiple of 16, both ends 16-byte aligned) about `microseconds` late, having let programmatic
// dependents start at once: one that does not wait for its producers reads what was there before.
void enqueue_late_copy(CUstream_st* stream, void* to, const void* from, std::size_t bytes, int microseconds);

}  // namespace plumb
