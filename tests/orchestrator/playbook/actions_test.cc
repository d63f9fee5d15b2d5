#include "orchestrator/playbook/actions.h"

#include <catch2/catch.hpp>

#include <set>

#include "google/protobuf/duration.pb.h"
#include "hamisha/action/v1/gateway.pb.h"
#include "hamisha/action/v1/ledger.pb.h"

namespace orchestrator {
namespace {

TEST_CASE("every action says what playbooks, plans and people need", "[actions]") {
  std::set<std::string> names;
  for (const ActionInfo& action : Actions()) {
    CAPTURE(action.descriptor->full_name());
    CHECK(names.insert(action.options->name()).second);
    CHECK_FALSE(action.options->summary().empty());
    CHECK(action.options->timeout_ms() > 0);
    CHECK((action.options->host_kind() == "ledger" || action.options->host_kind() == "gateway"));
    for (int i = 0; i < action.descriptor->field_count(); ++i) {
      const auto& field = *action.descriptor->field(i);
      CAPTURE(field.name());
      CHECK_FALSE(field.options().GetExtension(hamisha::action::v1::rules).summary().empty());
      const auto type = field.cpp_type();
      using Field = google::protobuf::FieldDescriptor;
      CHECK((!field.is_repeated() || type == Field::CPPTYPE_UINT32));
      const bool duration = type == Field::CPPTYPE_MESSAGE &&
                            field.message_type() == google::protobuf::Duration::descriptor();
      CHECK((duration || type == Field::CPPTYPE_STRING || type == Field::CPPTYPE_UINT32 ||
             type == Field::CPPTYPE_UINT64 || type == Field::CPPTYPE_BOOL));
    }
  }
  CHECK(names.size() == 21);
}

TEST_CASE("`with` becomes the action's message", "[actions]") {
  Problems problems("p");
  const auto with = ReadDocument("{max_hold: 1m500ms, max_requests: 7}", problems);
  const ReadActionResult read =
      ReadAction(*FindAction("gateway.hold"), &*with, {}, {"source"}, problems);
  CHECK(problems.empty());
  const auto& hold = dynamic_cast<const hamisha::action::v1::GatewayHold&>(*read.message);
  CHECK(hold.max_hold().seconds() == 60);
  CHECK(hold.max_hold().nanos() == 500'000'000);
  CHECK(hold.max_requests() == 7);
}

TEST_CASE("a list of numbers is read, and each that is none is named", "[actions]") {
  Problems problems("p");
  const auto with = ReadDocument("{transfer_codes: [7, 9]}", problems);
  const auto read = ReadAction(*FindAction("gateway.restrict"), &*with, {}, {}, problems);
  CHECK(read.message->ShortDebugString() == "transfer_codes: 7 transfer_codes: 9");
  const auto wrong = ReadDocument("{transfer_codes: [7, x, -1]}", problems);
  ReadAction(*FindAction("gateway.restrict"), &*wrong, {}, {}, problems);
  CHECK(problems.InOrder().size() == 2);
}

TEST_CASE("a site must be one of the inventory's", "[actions]") {
  Problems problems("p");
  const auto with = ReadDocument("to: trget", problems);
  ReadAction(*FindAction("ledger.seal"), &*with, {}, {"source", "target"}, problems);
  REQUIRE(problems.InOrder().size() == 1);
  CHECK(problems.InOrder()[0].message == "unknown site 'trget': did you mean 'target'?");
}

}  // namespace
}  // namespace orchestrator
