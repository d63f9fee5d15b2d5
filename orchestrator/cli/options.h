#pragma once

#include <string>
#include <vector>

#include "hamisha/orchestrator/v1/orchestrator.pb.h"

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
  std::vector<std::string> profiles;  // Files.
  std::string person;                 // "": the login name.
  std::string run;                    // "": the newest.
  std::vector<std::string> runs;      // Of a report: several when it is of coverage.
  bool coverage = false;
  std::string go_back_after;  // A step, of rehearsals.
  std::string no_colour;      // Of the environment: anything but "" switches colours off.
  // Of a person's act:
  hamisha::orchestrator::v1::Act act = {};
  std::string step;
  std::string host;
  std::string outcome;  // succeeded | failed
  std::string delegate_to;
  std::string key;            // Path of an SSH key.
  std::string statement_out;  // Path: write what is to be signed, and do nothing else.
  std::string signature;      // Path: of what was signed elsewhere.
  bool yes = false;           // Ask nothing.
  std::string approvals;      // Of a report: the folder for statements and signatures.
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
constexpr int kExitAwaitsPeople = 8;
constexpr int kExitInterrupted = 130;

}  // namespace orchestrator
