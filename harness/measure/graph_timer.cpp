// Timing launches: many of them in one CUDA graph, between two events.
#include "harness/measure/graph_timer.h"

#include "harness/device/cuda_memory.h"
#include "harness/device/disturb.h"

namespace plumb {

cudaGraph_t capture_graph(cudaStream_t stream, const std::function<void()>& body) {
  cuda_check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
  cudaGraph_t recorded = nullptr;
  try {
    body();
  } catch (...) {  // the stream must leave capture whatever happens
    cudaStreamEndCapture(stream, &recorded);
    if (recorded) cudaGraphDestroy(recorded);
    cudaGetLastError();
    throw;
  }
  cuda_check(cudaStreamEndCapture(stream, &recorded), "capture into a graph");
  return recorded;
}

GraphTimer::GraphTimer() {
  cuda_check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreate");
  cuda_check(cudaEventCreate(&start_), "cudaEventCreate");
  cuda_check(cudaEventCreate(&stop_), "cudaEventCreate");
}

GraphTimer::~GraphTimer() {
  if (graph_) cudaGraphExecDestroy(graph_);
  if (stop_) cudaEventDestroy(stop_);
  if (start_) cudaEventDestroy(start_);
  if (stream_) cudaStreamDestroy(stream_);
}

void GraphTimer::record(int launches, const std::function<void(int)>& launch) {
  if (graph_) cudaGraphExecDestroy(graph_);
  graph_ = nullptr;
  launches_ = launches;
  const cudaGraph_t recorded = capture_graph(stream_, [&] {
    for (int i = 0; i < launches; ++i) launch(i);
  });
  const cudaError_t made = cudaGraphInstantiate(&graph_, recorded, 0);
  cudaGraphDestroy(recorded);
  cuda_check(made, "cudaGraphInstantiate");
  cuda_check(cudaGraphUpload(graph_, stream_), "cudaGraphUpload");
  cuda_check(cudaStreamSynchronize(stream_), "cudaGraphUpload");
}

double GraphTimer::replay(const std::function<void()>& before) {
  if (before) before();
  // The stream is held back until the host has enqueued everything, else the host's launch of the graph would be
  // timed: its cost grows with the number of nodes, by far less than the half microsecond allowed for each.
  enqueue_delay(stream_, 50 + launches_ / 2);
  cuda_check(cudaGetLastError(), "delay before the graph");
  cuda_check(cudaEventRecord(start_, stream_), "cudaEventRecord");
  cuda_check(cudaGraphLaunch(graph_, stream_), "cudaGraphLaunch");
  cuda_check(cudaEventRecord(stop_, stream_), "cudaEventRecord");
  cuda_check(cudaStreamSynchronize(stream_), "replay of the graph");
  float milliseconds = 0;
  cuda_check(cudaEventElapsedTime(&milliseconds, start_, stop_), "cudaEventElapsedTime");
  return 1e3 * static_cast<double>(milliseconds) / launches_;
}

}  // namespace plumb
