// What a run left about how long its steps took.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "orchestrator/coverage/coverage.h"
#include "orchestrator/engine/engine.h"

namespace orchestrator {

// How long one action took on all its hosts, from its first order to its last result, retries and
// waves included.
struct ProfileSample {
  std::string step;    // Its id.
  int32_t back = -1;   // Index into the step's way back; -1: the step's own action.
  std::string action;  // "ledger.seal"; of an own undo too.
  bool undo = false;   // The action's own undo.
  uint32_t hosts = 0;
  uint32_t waves = 1;  // One after the other.
  double seconds = 0;
};

struct Profile {
  // PlaybookDigest(), hexadecimal: profiles of other inventories serve too, those of other playbooks
  // do not.
  std::string playbook_digest;
  std::string plan;             // metadata.name
  std::string run;
  std::string kind;     // "rehearsal" | "live"
  std::string outcome;  // "succeeded", …
  absl::Time started;
  absl::Time ended;
  std::map<std::string, std::string> programs;  // Version by "orchestrator", or "agent HOST".
  std::vector<ProfileSample> samples;
  Coverage coverage = {};  // What it has tried.
};

// The samples of a run that has ended: of what succeeded on all hosts. Of a run that went back the
// newest step, and what ended with it, do not count: they may have been cut short.
std::vector<ProfileSample> SamplesOf(const Engine& engine);

// One JSON object, indented, with sorted keys.
std::string ToJson(const Profile& profile);
// INVALID_ARGUMENT, with what is wrong, unless ToJson() wrote it or could have. `path` is for the
// message only.
absl::StatusOr<Profile> ParseProfile(absl::string_view path, absl::string_view json);

}  // namespace orchestrator
