#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/command_runner.h"

// One of our programs as a process whose output is waited for without looking again and again.
// Killed at the end of the scope. Not thread-safe; the thread that starts it must outlive it.
class Program {
 public:
  // `pipe` is a path for a named pipe, made where it is missing. One process at a time has it.
  explicit Program(std::string pipe);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // `arguments` begin with the program's name. What was said before is forgotten. Fails the test
  // when it cannot be started.
  void Start(std::vector<std::string> arguments);
  // What stands behind `beginning` in the first line that begins so; fails the test when the
  // process ends without such a line.
  std::string AwaitLine(const std::string& beginning);
  void Terminate();  // SIGTERM.
  void Kill();       // SIGKILL, and waits until it is gone.
  // Its exit code, or 128 + the signal that ended it.
  int Wait();
  // All that it has written to both its outputs.
  const std::string& output();

 private:
  void Read();

  const std::string pipe_;
  // Open for writing too: the pipe does not end with a process.
  int descriptor_ = -1;
  std::unique_ptr<base::Process> process_;
  std::string output_;
};
