// A worker: this program once more, told by lines on its standard input and answering lines on a descriptor.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace plumb {

class WorkerProcess {
 public:
  enum class Reply { kLine, kEnded, kTimeout };

  // `arguments` start a worker: the program's own path is added in front, the reply descriptor behind.
  explicit WorkerProcess(std::vector<std::string> arguments);
  ~WorkerProcess() { stop(false); }
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  void launch();  // throws HarnessError
  bool runs() const { return worker_ >= 0; }
  pid_t id() const { return worker_; }

  void write(std::string_view text);  // a worker that is gone shows when it is read
  Reply read_line(std::string& line, int timeout_seconds);

  void kill();
  // Closes its input, kills it if it does not end then (`busy`: it gets 2 s for what it is doing), and says how it
  // ended: "ended with exit code 5", "was ended by signal 6 (Aborted)".
  std::string stop(bool busy);

 private:
  std::vector<std::string> arguments_;
  pid_t worker_ = -1;
  int to_worker_ = -1, from_worker_ = -1;
  std::string buffer_;
};

// A worker's side: one line on the descriptor. Ends the process when the parent is gone.
void write_reply(int fd, std::string line);

}  // namespace plumb
