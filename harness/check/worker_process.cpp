// Starting, feeding, reading and ending a worker.
#include "harness/check/worker_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "harness/error.h"

namespace plumb {

WorkerProcess::WorkerProcess(std::vector<std::string> arguments) : arguments_(std::move(arguments)) {
  signal(SIGPIPE, SIG_IGN);
  // Where a caller closed a standard descriptor, a pipe would take its place and be lost when the worker starts.
  int last = 0;
  do last = open("/dev/null", O_RDWR);
  while (last >= 0 && last <= STDERR_FILENO);
  if (last >= 0) close(last);
}

void WorkerProcess::launch() {
  int input[2], replies[2];
  if (pipe2(input, O_CLOEXEC) != 0 || pipe2(replies, O_CLOEXEC) != 0) {
    throw HarnessError(fmt::format("pipe: {}", std::strerror(errno)));
  }
  std::vector<std::string> words = {"plumbline"};
  words.insert(words.end(), arguments_.begin(), arguments_.end());
  words.push_back("--reply-fd=3");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  worker_ = fork();
  if (worker_ < 0) throw HarnessError(fmt::format("fork: {}", std::strerror(errno)));
  if (worker_ == 0) {
    dup2(input[0], STDIN_FILENO);
    dup2(STDERR_FILENO, STDOUT_FILENO);  // whatever a library prints must not mix with our own output
    if (replies[1] == 3) {
      fcntl(3, F_SETFD, 0);
    } else {
      dup2(replies[1], 3);
    }
    execv("/proc/self/exe", argv.data());
    _exit(127);
  }
  close(input[0]);
  close(replies[1]);
  to_worker_ = input[1];
  from_worker_ = replies[0];
  buffer_.clear();
}

void WorkerProcess::write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(to_worker_, text.data(), text.size());
    if (count < 0) return;  // the worker is gone; reading will tell
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

WorkerProcess::Reply WorkerProcess::read_line(std::string& line, int timeout_seconds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(timeout_seconds);
  while (true) {
    if (const std::size_t end = buffer_.find('\n'); end != std::string::npos) {
      line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return Reply::kLine;
    }
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd waiting{from_worker_, POLLIN, 0};
    const int ready = poll(&waiting, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return Reply::kTimeout;
    char chunk[1 << 16];
    const ssize_t count = read(from_worker_, chunk, sizeof chunk);
    if (count <= 0) return Reply::kEnded;
    buffer_.append(chunk, static_cast<std::size_t>(count));
  }
}

void WorkerProcess::kill() { ::kill(worker_, SIGKILL); }

std::string WorkerProcess::stop(bool busy) {
  if (worker_ < 0) return "";
  close(to_worker_);
  close(from_worker_);
  // A worker that has nothing to do ends when its input does; one that hangs does not.
  int status = 0;
  pid_t ended = 0;
  for (int tenths = 0; tenths < 20 && ended == 0; ++tenths) {
    ended = waitpid(worker_, &status, WNOHANG);
    if (ended == 0) usleep(busy ? 100'000 : 10'000);
  }
  if (ended == 0) {
    ::kill(worker_, SIGKILL);
    waitpid(worker_, &status, 0);
  }
  worker_ = -1;
  if (WIFSIGNALED(status))
    return fmt::format("was ended by signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
  return fmt::format("ended with exit code {}", WEXITSTATUS(status));
}

void write_reply(int fd, std::string line) {
  line += '\n';
  for (std::size_t sent = 0; sent < line.size();) {
    const ssize_t count = ::write(fd, line.data() + sent, line.size() - sent);
    if (count <= 0) _exit(kExitError);
    sent += static_cast<std::size_t>(count);
  }
}

}  // namespace plumb
