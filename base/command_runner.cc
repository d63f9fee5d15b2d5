#include "base/command_runner.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/invariant.h"

namespace base {
namespace {

class RealProcess final : public Process {
 public:
  explicit RealProcess(pid_t pid) : pid_(pid) {}
  int pid() const override { return pid_; }

  void Signal(int signal) override {
    if (!ended_) ::kill(pid_, signal);
  }

  int Wait() override {
    while (!ended_) Reap(0);
    return code_;
  }

  absl::StatusOr<int> WaitFor(absl::Duration timeout) override {
    if (!ended_) {
      // glibc 2.36 declares its function for C only.
      const auto end = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
      INVARIANT(end >= 0 || errno == ESRCH);
      pollfd awaited = {.fd = end, .events = POLLIN, .revents = 0};
      const int64_t milliseconds = absl::ToInt64Milliseconds(timeout);
      const int ready = ::poll(&awaited, 1, static_cast<int>(milliseconds));
      if (end >= 0) ::close(end);
      if (ready == 0) {
        return absl::DeadlineExceededError(
            absl::StrCat("it still runs after ", absl::FormatDuration(timeout)));
      }
    }
    return Wait();
  }

  bool Running() override {
    if (!ended_) Reap(WNOHANG);
    return !ended_;
  }

 private:
  void Reap(int options) {
    int status = 0;
    const pid_t got = ::waitpid(pid_, &status, options);
    if (got < 0 && errno == EINTR) return;
    if (got == 0) return;
    ended_ = true;
    if (got < 0) return;  // Somebody else reaped it: the code stays unknown, as 255.
    code_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }

  const pid_t pid_;
  bool ended_ = false;
  int code_ = 255;
};

// Only async-signal-safe calls: runs between fork and exec.
[[noreturn]] void BecomeCommand(char* const* arguments, const char* output, pid_t parent,
                                const Command& command) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(127);  // The parent died before the line above.
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (command.own_group) ::setpgid(0, 0);
  if (output != nullptr) {
    const int descriptor = ::open(output, O_WRONLY | O_CREAT | O_APPEND, 0640);
    if (descriptor < 0) ::_exit(126);
    ::dup2(descriptor, STDOUT_FILENO);
    ::dup2(descriptor, STDERR_FILENO);
  }
  const int input = ::open(command.input.empty() ? "/dev/null" : command.input.c_str(), O_RDONLY);
  if (input < 0) ::_exit(126);
  ::dup2(input, STDIN_FILENO);
  ::close_range(3, ~0U, 0);
  if (command.open_files_max > 0) {
    const rlimit limit = {.rlim_cur = command.open_files_max, .rlim_max = command.open_files_max};
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) ::_exit(126);
  }
  ::execv(arguments[0], arguments);
  ::_exit(127);
}

class RealCommandRunner final : public CommandRunner {
 public:
  absl::StatusOr<std::unique_ptr<Process>> Start(const Command& command) override {
    INVARIANT(!command.arguments.empty());
    std::vector<std::string> copies = command.arguments;
    std::vector<char*> arguments;
    for (std::string& argument : copies) arguments.push_back(argument.data());
    arguments.push_back(nullptr);
    if (::access(arguments[0], X_OK) != 0) {
      return absl::NotFoundError(absl::StrCat("no program at ", command.arguments[0]));
    }
    const char* const output = command.output.empty() ? nullptr : command.output.c_str();
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) {
      return absl::InternalError(absl::StrCat("starting ", command.arguments[0], ": ",
                                              std::generic_category().message(errno)));
    }
    if (pid == 0) BecomeCommand(arguments.data(), output, parent, command);
    return std::make_unique<RealProcess>(pid);
  }
};

}  // namespace

CommandRunner& SystemCommandRunner() {
  static RealCommandRunner runner;
  return runner;
}

}  // namespace base
