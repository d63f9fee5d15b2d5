#pragma once

#include <memory>
#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "hamisha/action/v1/options.pb.h"
#include "orchestrator/playbook/fields.h"

namespace orchestrator {

// One action, as its message in protos/hamisha/action/v1 declares it. Lives for ever.
struct ActionInfo {
  const google::protobuf::Descriptor* descriptor;
  const hamisha::action::v1::ActionOptions* options;
};

// All actions, by name.
const std::vector<ActionInfo>& Actions();
// nullptr when there is none of that name.
const ActionInfo* FindAction(absl::string_view name);
std::vector<std::string> ActionNames();

struct ReadActionResult {
  std::unique_ptr<google::protobuf::Message> message;
  std::vector<Located> sites;  // Those that its fields name; each is one of `sites`.
};

// Reads `with` (nullptr: nothing given) into the action's message; what does not fit is a problem.
// `place` is the call's, for fields that are missing altogether. No `sites`: none is checked.
ReadActionResult ReadAction(const ActionInfo& action, const Value* with, TextPlace place,
                            const std::vector<std::string>& sites, Problems& problems);

}  // namespace orchestrator
