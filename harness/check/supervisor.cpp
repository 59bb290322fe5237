// Keeping a worker process alive, fed and watched.
#include "harness/check/supervisor.h"

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
namespace {

constexpr int kStartSeconds = 120;  // CUDA initialisation on a large host can take long

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = write(fd, text.data(), text.size());
    if (count < 0) return;  // the worker is gone; reading will tell
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace

Supervisor::Supervisor(std::vector<std::string> arguments, int timeout_seconds)
    : arguments_(std::move(arguments)), timeout_seconds_(timeout_seconds) {
  signal(SIGPIPE, SIG_IGN);
  // Where a caller closed a standard descriptor, a pipe would take its place and be lost when the worker starts.
  int last = 0;
  do last = open("/dev/null", O_RDWR);
  while (last >= 0 && last <= STDERR_FILENO);
  if (last >= 0) close(last);
}

Supervisor::~Supervisor() { stop(); }

void Supervisor::launch() {
  int names[2], replies[2];
  if (pipe2(names, O_CLOEXEC) != 0 || pipe2(replies, O_CLOEXEC) != 0) {
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
    dup2(names[0], STDIN_FILENO);
    dup2(STDERR_FILENO, STDOUT_FILENO);  // whatever a library prints must not mix with our own output
    if (replies[1] == 3) {
      fcntl(3, F_SETFD, 0);
    } else {
      dup2(replies[1], 3);
    }
    execv("/proc/self/exe", argv.data());
    _exit(127);
  }
  close(names[0]);
  close(replies[1]);
  to_worker_ = names[1];
  from_worker_ = replies[0];
  buffer_.clear();
}

std::string Supervisor::stop() {
  if (worker_ < 0) return "";
  close(to_worker_);
  close(from_worker_);
  // A worker that has nothing to do ends when its input does; one that hangs does not.
  int status = 0;
  pid_t ended = 0;
  for (int tenths = 0; tenths < 20 && ended == 0; ++tenths) {
    ended = waitpid(worker_, &status, WNOHANG);
    if (ended == 0) usleep(sent_.empty() ? 10'000 : 100'000);
  }
  if (ended == 0) {
    kill(worker_, SIGKILL);
    waitpid(worker_, &status, 0);
  }
  worker_ = -1;
  if (WIFSIGNALED(status))
    return fmt::format("was ended by signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
  return fmt::format("ended with exit code {}", WEXITSTATUS(status));
}

Supervisor::Reply Supervisor::read_line(std::string& line, int timeout_seconds) {
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

const nlohmann::json& Supervisor::start() {
  launch();
  std::string line;
  switch (read_line(line, kStartSeconds)) {
    case Reply::kLine:
      break;
    case Reply::kEnded:
      throw HarnessError(fmt::format("the worker process {} before it was ready", stop()));
    case Reply::kTimeout:
      throw HarnessError(fmt::format("the worker process was not ready within {} s", kStartSeconds));
  }
  const nlohmann::json message = nlohmann::json::parse(line);
  if (message.contains("fatal")) throw HarnessError(message["fatal"].get<std::string>());
  ready_ = message.at("ready");
  return ready_;
}

void Supervisor::plan(std::vector<std::string> names) { planned_.assign(names.begin(), names.end()); }

void Supervisor::send_ahead() {
  std::string batch;
  while (sent_.size() < kWindow && !planned_.empty()) {
    batch += planned_.front() + "\n";
    sent_.push_back(std::move(planned_.front()));
    planned_.pop_front();
  }
  write_all(to_worker_, batch);
}

std::string Supervisor::retire() {
  const std::string ended = stop();
  planned_.insert(planned_.begin(), sent_.begin(), sent_.end());
  sent_.clear();
  return ended;
}

CaseResult Supervisor::crashed(const std::string& name, const std::string& reason) {
  CaseResult result;
  result.name = name;
  result.operator_name = name.substr(0, name.find('/'));
  result.state = "crashed";
  result.reason = reason;
  return result;
}

CaseResult Supervisor::run(const std::string& name) {
  // Asked for out of the planned order (a repeated test, say): make it the next one.
  if (sent_.empty() ? planned_.empty() || planned_.front() != name : sent_.front() != name) {
    if (!sent_.empty()) retire();  // answers under way would be for other cases
    planned_.push_front(name);
  }
  try {
    if (worker_ < 0) start();
  } catch (const HarnessError& error) {
    planned_.pop_front();
    return crashed(name, fmt::format("no fresh worker could be started: {}", error.what()));
  }
  send_ahead();
  std::string line;
  const Reply reply = read_line(line, timeout_seconds_);
  sent_.pop_front();
  std::string how;
  if (reply == Reply::kLine) {
    try {
      const nlohmann::json message = nlohmann::json::parse(line);
      CaseResult result = case_result_from(message.at("result"));
      if (result.name == name) {
        if (message.contains("last")) retire();
        return result;
      }
      how = fmt::format("answered for {}", result.name);
    } catch (const nlohmann::json::exception& error) {
      how = fmt::format("gave an answer that cannot be read ({})", error.what());
    }
  } else if (reply == Reply::kTimeout) {
    how = fmt::format("gave no answer within {} s and was stopped", timeout_seconds_);
  }
  if (reply != Reply::kEnded) kill(worker_, SIGKILL);  // whatever it still says is of no use
  const std::string ended = retire();
  return crashed(name, fmt::format("the worker process {} during this case", how.empty() ? ended : how));
}

}  // namespace plumb
