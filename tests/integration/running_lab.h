// A platform that `hamisha-lab up` has brought up, and the operator's command line on it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/command_runner.h"
#include "tests/temporary_folder.h"

class RunningLab {
 public:
  struct Ended {
    int exit_code;
    std::string output;  // Both streams.
  };

  // `lab` is a lab file. Fails the test when the platform does not come up.
  explicit RunningLab(const std::string& lab);
  ~RunningLab();

  // `hamisha ARGUMENTS`, asking this platform's orchestrator.
  Ended Hamisha(std::vector<std::string> arguments);
  // `hamisha lab ARGUMENTS` on this platform.
  Ended Lab(std::vector<std::string> arguments);
  // The path of a new file with this text.
  std::string Write(const std::string& name, const std::string& text);
  // Of a file that was written.
  std::string PathOf(const std::string& name) const { return folder_.path() + "/" + name; }
  std::string inventory() const { return PathOf("lab/inventory.yaml"); }
  // The private key of one of the lab's people.
  std::string KeyOf(const std::string& person) const { return PathOf("lab/people/" + person); }
  // A program by its path, to its end.
  Ended Run(std::vector<std::string> arguments);

 private:
  TemporaryFolder folder_;
  int runs_ = 0;
  std::unique_ptr<base::Process> up_;
  std::string orchestrator_;
};
