// Timing launches: many of them in one CUDA graph, between two events.
#pragma once

#include <functional>

struct CUstream_st;
struct CUevent_st;
struct CUgraph_st;
struct CUgraphExec_st;

namespace plumb {

// What `body` enqueues on the stream, as a graph that the caller destroys. Throws what body throws, and
// HarnessError.
CUgraph_st* capture_graph(CUstream_st* stream, const std::function<void()>& body);

// A graph replays its launches without the host, so that what is timed is the device: each launch with the gap that
// the device itself leaves between dependent kernels (about a microsecond, in the limit as in the variant).
// Every function throws HarnessError with the words of the CUDA runtime when a call fails.
class GraphTimer {
 public:
  GraphTimer();  // on the current device
  ~GraphTimer();
  GraphTimer(const GraphTimer&) = delete;
  GraphTimer& operator=(const GraphTimer&) = delete;

  CUstream_st* stream() const { return stream_; }

  // Records launch(0) ... launch(launches - 1) on stream(), in place of what was recorded before.
  void record(int launches, const std::function<void(int)>& launch);

  // Replays the graph and waits: microseconds per launch. `before` enqueues untimed work that precedes it.
  double replay(const std::function<void()>& before = {});

 private:
  CUstream_st* stream_ = nullptr;
  CUevent_st *start_ = nullptr, *stop_ = nullptr;
  CUgraphExec_st* graph_ = nullptr;
  int launches_ = 0;
};

}  // namespace plumb
