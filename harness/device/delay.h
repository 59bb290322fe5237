// A kernel that keeps a stream busy for a while.
#pragma once

struct CUstream_st;

namespace plumb {

// Enqueues about `microseconds` of waiting on the stream, so that work on any other stream runs first.
void enqueue_delay(CUstream_st* stream, int microseconds);

}  // namespace plumb
