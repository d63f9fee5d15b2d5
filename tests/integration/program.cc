#include "tests/integration/program.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cerrno>
#include <csignal>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "tests/folders.h"

Program::Program(std::string pipe) : pipe_(std::move(pipe)) {
  REQUIRE((::mkfifo(pipe_.c_str(), 0600) == 0 || errno == EEXIST));
  descriptor_ = ::open(pipe_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  REQUIRE(descriptor_ >= 0);
}

Program::~Program() {
  if (process_ != nullptr) Kill();
  ::close(descriptor_);
}

void Program::Start(std::vector<std::string> arguments) {
  Read();
  output_.clear();
  arguments.front() = ProgramFolder() + "/" + arguments.front();
  auto process =
      base::SystemCommandRunner().Start({.arguments = std::move(arguments), .output = pipe_});
  REQUIRE(process.ok());
  process_ = *std::move(process);
}

std::string Program::AwaitLine(const std::string& beginning) {
  // glibc 2.36 declares its function for C only.
  const auto end = static_cast<int>(::syscall(SYS_pidfd_open, process_->pid(), 0));
  REQUIRE(end >= 0);
  while (true) {
    std::array<pollfd, 2> awaited = {{{descriptor_, POLLIN, 0}, {end, POLLIN, 0}}};
    ::poll(awaited.data(), awaited.size(), -1);
    Read();
    const std::vector<std::string> lines = absl::StrSplit(output_, '\n');
    for (size_t i = 0; i + 1 < lines.size(); ++i) {
      if (!absl::StartsWith(lines[i], beginning)) continue;
      ::close(end);
      return lines[i].substr(beginning.size());
    }
    if (awaited[1].revents == 0) continue;
    ::close(end);
    FAIL("the process ended before it wrote '" << beginning << "'; it wrote:\n" << output_);
  }
}

void Program::Terminate() { process_->Signal(SIGTERM); }

void Program::Kill() {
  process_->Signal(SIGKILL);
  Wait();
}

int Program::Wait() {
  const int code = process_->Wait();
  Read();
  return code;
}

const std::string& Program::output() {
  Read();
  return output_;
}

void Program::Read() {
  std::array<char, 4096> buffer = {};
  while (true) {
    const ssize_t bytes = ::read(descriptor_, buffer.data(), buffer.size());
    if (bytes <= 0) return;
    output_.append(buffer.data(), static_cast<size_t>(bytes));
  }
}
