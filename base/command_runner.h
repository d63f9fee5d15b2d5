#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace base {

struct Command {
  std::vector<std::string> arguments;  // The first is the program's absolute path. No shell.
  std::string output;                  // File that gets stdout and stderr, appended; "": inherited.
  std::string input = "";              // File that is read as stdin; "": nothing is there to read.
  bool own_group = false;              // Of processes: Ctrl-C at the terminal does not reach it.
  uint64_t open_files_max = 0;         // Its limit, soft and hard; 0: inherited.
};

// A started process. Its end is not awaited by the destructor.
class Process {
 public:
  virtual ~Process() = default;
  virtual int pid() const = 0;
  // A signal to the process; fine when it has ended.
  virtual void Signal(int signal) = 0;
  // Waits for the end: its exit code, or 128 + the signal that ended it.
  virtual int Wait() = 0;
  // The same, but no longer than `timeout`: DEADLINE_EXCEEDED, and the process runs on.
  virtual absl::StatusOr<int> WaitFor(absl::Duration timeout) = 0;
  // Whether it still runs.
  virtual bool Running() = 0;
};

// The one way to start programs. Safe for any thread.
class CommandRunner {
 public:
  virtual ~CommandRunner() = default;
  // The child gets SIGTERM when the calling *thread* ends, so that nothing is left behind: call it
  // from one that lives as long as the child should. The child inherits no descriptor but 0, 1, 2
  // and no blocked signal.
  virtual absl::StatusOr<std::unique_ptr<Process>> Start(const Command& command) = 0;
};

// Lives for ever.
CommandRunner& SystemCommandRunner();

}  // namespace base
