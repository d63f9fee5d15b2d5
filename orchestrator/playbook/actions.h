#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
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

// An empty message of the action.
std::unique_ptr<google::protobuf::Message> NewMessage(const ActionInfo& action);

// Sets one field as `with` would. INVALID_ARGUMENT says what does not fit.
absl::Status SetField(const ActionInfo& action, const std::string& field, const std::string& text,
                      google::protobuf::Message& message);

// Why the field cannot be set while a run goes on, and what to write instead; "" when it can.
std::string WhyFixed(const ActionInfo& action, const std::string& field);

struct ReadActionResult {
  std::unique_ptr<google::protobuf::Message> message;
  std::vector<Located> sites;  // Those that its fields name; each is one of `sites`.
};

// Reads `with` (nullptr: nothing given) into the action's message; what does not fit is a problem.
// `place` is the call's, for fields that are missing altogether. No `sites`: none is checked.
ReadActionResult ReadAction(const ActionInfo& action, const Value* with, TextPlace place,
                            const std::vector<std::string>& sites, Problems& problems);

}  // namespace orchestrator
