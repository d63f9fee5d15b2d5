#pragma once

#include <string>

namespace orchestrator {

// What the operator said on the command line.
struct Options {
  std::string playbook;
  std::string inventory;
  std::string format = "text";  // text | json
  std::string orchestrator;     // host:port
  std::string kind = "live";    // live | rehearsal
  std::string confirm;          // The plan's name, where one is asked for.
  std::string reason;
  std::string run;        // "": the newest.
  std::string no_colour;  // Of the environment: anything but "" switches colours off.
  bool execute = false;
  bool detach = false;
  bool problems_on_stdout = false;

  bool json() const { return format == "json"; }
};

// Exit codes, as ARCHITECTURE.md and the help text list them.
constexpr int kExitOk = 0;
constexpr int kExitError = 1;
constexpr int kExitInvalid = 2;
constexpr int kExitRefused = 3;
constexpr int kExitAgentsUnreachable = 4;
constexpr int kExitInterrupted = 130;

}  // namespace orchestrator
