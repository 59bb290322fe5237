// The loop of the worker process.
#include "harness/check/worker.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <future>
#include <iostream>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <sstream>
#include <string>
#include <thread>

#include <nlohmann/json.hpp>

#include "harness/check/worker_process.h"
#include "harness/device/host_device.h"
#include "harness/error.h"
#include "harness/files.h"

namespace plumb {
namespace {

void reply(int fd, const nlohmann::json& message) {
  write_reply(fd, message.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

// What preparation gave: a prepared case, its finished result (replay), or a sentence about why there is none.
struct Outcome {
  std::optional<PreparedCase> prepared;
  CaseResult result;
};

Outcome prepare_outcome(const std::string& name, const WorkerSettings& settings, const Library* library) {
  Outcome outcome;
  outcome.result.name = name;
  outcome.result.operator_name = name.substr(0, name.find('/'));
  try {
    const Case point = parse_case(name);
    std::optional<CaseResult> skipped;
    if (settings.place != Place::kCuda) skipped = skipped_without_device(point);
    if (library && settings.place != Place::kReplay && !skipped)
      skipped = skipped_without_operator(point, *library);
    if (skipped) {
      outcome.result = *std::move(skipped);
      return outcome;
    }
    outcome.prepared = prepare(point, settings.check);
    if (settings.place == Place::kReplay) {
      outcome.result = check_on_replay(*outcome.prepared, library);
      outcome.prepared.reset();
    }
  } catch (const std::bad_alloc&) {
    outcome.result.state = "error";
    outcome.result.reason = "not enough host memory for this case";
  } catch (const std::exception& error) {
    outcome.result.state = "error";
    outcome.result.reason = error.what();
  }
  return outcome;
}

// Names as they arrive on standard input, read by a thread so that preparation can run ahead.
class NameQueue {
 public:
  NameQueue() : reader_([this] { read(); }) {}

  // The next name: at once or not at all when `wait` is false. An empty answer with ended() true is the end.
  std::optional<std::string> next(bool wait) {
    std::unique_lock lock(mutex_);
    if (wait) arrived_.wait(lock, [this] { return !names_.empty() || ended_; });
    if (names_.empty()) return std::nullopt;
    std::string name = std::move(names_.front());
    names_.pop_front();
    return name;
  }

 private:
  void read() {
    std::string line;
    while (std::getline(std::cin, line)) {
      const std::lock_guard lock(mutex_);
      names_.push_back(line);
      arrived_.notify_one();
    }
    const std::lock_guard lock(mutex_);
    ended_ = true;
    arrived_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<std::string> names_;
  bool ended_ = false;
  std::jthread reader_;  // last: it uses the others
};

nlohmann::json ready_message(const WorkerSettings& settings, const Library* library, const CudaDevice* device) {
  nlohmann::json ready;
  if (device) {
    const DeviceInfo& info = device->info();
    ready["device"] = {{"kind", info.kind},       {"name", info.name},        {"uuid", info.uuid},
                       {"sm", info.sm},           {"cuda", info.cuda},        {"driver", info.driver},
                       {"ordinal", info.ordinal}, {"sm_count", info.sm_count}};
  } else {
    ready["device"] = {{"kind", "replay"}, {"name", "replay"}, {"uuid", ""},   {"sm", 0},
                       {"cuda", ""},       {"driver", ""},     {"ordinal", 0}, {"sm_count", 0}};
  }
  ready["library"] = nullptr;
  if (library) {
    ready["library"] = {{"path", path_in_document(settings.library_path)},
                        {"name", library->table().name},
                        {"version", library->table().version},
                        {"digest", library->digest()}};
  }
  return {{"ready", ready}};
}

// From here on this process sees that GPU alone, as number 0: contexts on others would disturb who measures there.
int see_alone(int ordinal) {
  const char* const visible = std::getenv("CUDA_VISIBLE_DEVICES");
  std::istringstream list(visible ? visible : "");
  std::string own = visible ? "" : std::to_string(ordinal);
  for (int i = 0; visible && i <= ordinal; ++i) {
    if (!std::getline(list, own, ',')) return ordinal;  // there is none, as opening it will say
  }
  setenv("CUDA_VISIBLE_DEVICES", own.c_str(), 1);
  return 0;
}

}  // namespace

int run_worker(const WorkerSettings& settings, int reply_fd) {
  // Cases come and go by the thousand: giving their memory back to the system each time would cost more in page
  // faults than the oracles' arithmetic.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  std::unique_ptr<Library> library;
  std::unique_ptr<CudaDevice> device;
  try {
    if (settings.fault != 0) setenv("PLUMBLINE_FAULT", std::to_string(settings.fault).c_str(), 1);
    if (settings.place == Place::kHost) {
      device = open_host_device();
    } else if (settings.place == Place::kCuda) {
      const int ordinal = settings.alone ? see_alone(settings.ordinal) : settings.ordinal;
      device = open_cuda_device(ordinal, settings.device_memory_limit);
    }
    // On the replay a library is only asked about its selection; a build without nvcc has none.
    if (device || std::filesystem::exists(settings.library_path)) {
      library = std::make_unique<Library>(settings.library_path);
    }
    reply(reply_fd, ready_message(settings, device ? library.get() : nullptr, device.get()));
  } catch (const HarnessError& error) {
    reply(reply_fd, {{"fatal", error.what()}});
    return kExitError;
  }

  const std::size_t ahead = std::max(2u, std::thread::hardware_concurrency());
  std::deque<std::future<Outcome>> pending;
  NameQueue names;
  while (true) {
    while (pending.size() < ahead) {
      const auto name = names.next(pending.empty());
      if (!name) break;
      pending.push_back(std::async(std::launch::async, prepare_outcome, *name, settings, library.get()));
    }
    if (pending.empty()) return kExitPass;
    Outcome outcome = pending.front().get();
    pending.pop_front();
    bool device_lost = false;
    if (outcome.prepared) {
      try {
        outcome.result = check_on_device(*outcome.prepared, *library, *device, settings.check, device_lost);
      } catch (const std::exception& error) {
        device_lost = device->lost();
        outcome.result.state = device_lost ? "crashed" : "error";
        outcome.result.reason = error.what();
      }
    }
    nlohmann::json message = {{"result", to_json(outcome.result)}};
    if (device_lost) message["last"] = true;
    reply(reply_fd, message);
    // A lost device cannot even be released in good order; the parent starts a fresh process.
    if (device_lost) _exit(kExitMismatch);
  }
}

}  // namespace plumb
