#include "orchestrator/playbook/actions.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/duration.pb.h"
#include "hamisha/action/v1/gateway.pb.h"
#include "hamisha/action/v1/host.pb.h"
#include "hamisha/action/v1/ledger.pb.h"
#include "orchestrator/playbook/suggest.h"

namespace orchestrator {
namespace {

namespace pb = google::protobuf;
namespace v1 = hamisha::action::v1;

std::vector<ActionInfo> CollectActions() {
  std::vector<ActionInfo> actions;
  // A new file of actions is named here by one of its messages, which also links it.
  for (const pb::FileDescriptor* file :
       {v1::LedgerSeal::descriptor()->file(), v1::GatewayHold::descriptor()->file(),
        v1::HostFacts::descriptor()->file()}) {
    for (int i = 0; i < file->message_type_count(); ++i) {
      const pb::Descriptor* descriptor = file->message_type(i);
      if (!descriptor->options().HasExtension(v1::action)) continue;
      actions.push_back(
          {.descriptor = descriptor, .options = &descriptor->options().GetExtension(v1::action)});
    }
  }
  std::sort(actions.begin(), actions.end(), [](const ActionInfo& a, const ActionInfo& b) {
    return a.options->name() < b.options->name();
  });
  return actions;
}

v1::FieldKind KindOf(const pb::FieldDescriptor& field) {
  return field.options().GetExtension(v1::rules).kind();
}

bool IsSite(const pb::FieldDescriptor& field) { return KindOf(field) != v1::FIELD_KIND_PLAIN; }

// Reads one mapping into one message.
class MessageReader {
 public:
  MessageReader(pb::Message& message, const std::vector<std::string>& sites, Problems& problems)
      : message_(message), sites_(sites), problems_(problems) {}

  void ReadField(const pb::FieldDescriptor& field, const Value& value) {
    const pb::Reflection& reflection = *message_.GetReflection();
    const std::string& key = field.name();
    if (field.is_repeated()) return ReadNumbers(field, value);
    switch (field.cpp_type()) {
      case pb::FieldDescriptor::CPPTYPE_STRING: return ReadString(field, value);
      case pb::FieldDescriptor::CPPTYPE_UINT32:
        if (const auto n =
                ReadNumber(value, key, std::numeric_limits<uint32_t>::max(), problems_)) {
          reflection.SetUInt32(&message_, &field, static_cast<uint32_t>(*n));
        }
        return;
      case pb::FieldDescriptor::CPPTYPE_UINT64:
        if (const auto n =
                ReadNumber(value, key, std::numeric_limits<uint64_t>::max(), problems_)) {
          reflection.SetUInt64(&message_, &field, *n);
        }
        return;
      case pb::FieldDescriptor::CPPTYPE_BOOL:
        if (const auto yes = ReadBool(value, key, problems_)) {
          reflection.SetBool(&message_, &field, *yes);
        }
        return;
      case pb::FieldDescriptor::CPPTYPE_MESSAGE: return ReadMessage(field, value);
      case pb::FieldDescriptor::CPPTYPE_INT32:
      case pb::FieldDescriptor::CPPTYPE_INT64:
      case pb::FieldDescriptor::CPPTYPE_DOUBLE:
      case pb::FieldDescriptor::CPPTYPE_FLOAT:
      case pb::FieldDescriptor::CPPTYPE_ENUM: break;
    }
    RefuseType(field, value);
  }

  std::vector<Located> TakeSites() { return std::move(named_sites_); }

 private:
  void RefuseType(const pb::FieldDescriptor& field, const Value& value) {
    problems_.Add(value.place, absl::StrCat("'", field.name(),
                                            "' has a type that playbooks of this "
                                            "version cannot write: remove it"));
  }

  void ReadNumbers(const pb::FieldDescriptor& field, const Value& value) {
    if (field.cpp_type() != pb::FieldDescriptor::CPPTYPE_UINT32) return RefuseType(field, value);
    const std::vector<Value>* items = ReadList(value, field.name(), problems_);
    if (items == nullptr) return;
    for (const Value& item : *items) {
      const auto n =
          ReadNumber(item, field.name(), std::numeric_limits<uint32_t>::max(), problems_);
      if (!n.has_value()) continue;
      message_.GetReflection()->AddUInt32(&message_, &field, static_cast<uint32_t>(*n));
    }
  }

  void ReadString(const pb::FieldDescriptor& field, const Value& value) {
    const auto text = ReadText(value, field.name(), problems_);
    if (!text.has_value()) return;
    if (IsSite(field) && !sites_.empty()) {
      if (std::find(sites_.begin(), sites_.end(), *text) == sites_.end()) {
        problems_.Add(value.place,
                      absl::StrCat("unknown site ", Quoted(*text), Suggest(*text, sites_)));
        return;
      }
      const bool is_anothers = KindOf(field) == v1::FIELD_KIND_SITE;
      if (is_anothers) named_sites_.push_back({.text = *text, .place = value.place});
    }
    message_.GetReflection()->SetString(&message_, &field, *text);
  }

  void ReadMessage(const pb::FieldDescriptor& field, const Value& value) {
    if (field.message_type() != pb::Duration::descriptor()) return RefuseType(field, value);
    const auto duration = ReadDuration(value, field.name(), problems_);
    if (!duration.has_value()) return;
    pb::Duration proto;
    const int64_t ns = absl::ToInt64Nanoseconds(*duration);
    proto.set_seconds(ns / 1'000'000'000);
    proto.set_nanos(static_cast<int32_t>(ns % 1'000'000'000));
    message_.GetReflection()->MutableMessage(&message_, &field)->CopyFrom(proto);
  }

  pb::Message& message_;
  const std::vector<std::string>& sites_;
  Problems& problems_;
  std::vector<Located> named_sites_;
};

}  // namespace

const std::vector<ActionInfo>& Actions() {
  static const auto& actions = *new std::vector<ActionInfo>(CollectActions());
  return actions;
}

const ActionInfo* FindAction(absl::string_view name) {
  for (const ActionInfo& action : Actions()) {
    if (action.options->name() == name) return &action;
  }
  return nullptr;
}

std::vector<std::string> ActionNames() {
  std::vector<std::string> names;
  for (const ActionInfo& action : Actions()) names.push_back(action.options->name());
  return names;
}

std::unique_ptr<pb::Message> NewMessage(const ActionInfo& action) {
  return std::unique_ptr<pb::Message>(
      pb::MessageFactory::generated_factory()->GetPrototype(action.descriptor)->New());
}

absl::Status SetField(const ActionInfo& action, const std::string& field, const std::string& text,
                      pb::Message& message) {
  const pb::FieldDescriptor* descriptor = action.descriptor->FindFieldByName(field);
  if (descriptor == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("there is no field '", field, "'"));
  }
  Problems problems("");
  const std::vector<std::string> no_sites;
  MessageReader(message, no_sites, problems)
      .ReadField(*descriptor, {.kind = Value::Kind::kScalar, .place = {}, .text = text});
  if (problems.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(problems.InOrder().front().message);
}

std::string WhyFixed(const ActionInfo& action, const std::string& field) {
  const pb::FieldDescriptor* descriptor = action.descriptor->FindFieldByName(field);
  if (descriptor == nullptr) return "";  // Unknown fields are refused where `with` is read.
  if (descriptor->is_repeated()) return "is a list, which takes no outputs of steps: write it";
  return IsSite(*descriptor) ? "is a site, which must be known before the run: write it" : "";
}

ReadActionResult ReadAction(const ActionInfo& action, const Value* with, TextPlace place,
                            const std::vector<std::string>& sites, Problems& problems) {
  ReadActionResult result;
  result.message = NewMessage(action);
  const Value nothing{.kind = Value::Kind::kMap, .place = place};
  Fields fields(with == nullptr ? nothing : *with, absl::StrCat("with of ", action.options->name()),
                problems);
  if (!fields.is_map()) return result;
  MessageReader reader(*result.message, sites, problems);
  for (int i = 0; i < action.descriptor->field_count(); ++i) {
    const pb::FieldDescriptor& field = *action.descriptor->field(i);
    const bool required = field.options().GetExtension(v1::rules).required();
    const Value* value = required ? fields.Required(field.name()) : fields.Optional(field.name());
    if (value != nullptr) reader.ReadField(field, *value);
  }
  fields.RefuseOthers();
  result.sites = reader.TakeSites();
  return result;
}

}  // namespace orchestrator
