// What the ledger drivers do in which situation, row by row.
#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <vector>

#include "tests/agents/drivers/fake_node.h"

namespace agents {
namespace {

struct Situation {
  std::string name;
  std::string host;
  pb::Mode mode;
  std::shared_ptr<google::protobuf::Message> action;
  ledger_pb::NodeStatus status;
  std::vector<ledger_pb::Signed> certificates;
  pb::Outcome outcome;
  Strings told;
};
template <typename Action>
std::shared_ptr<google::protobuf::Message> A(const Action& message) {
  return std::make_shared<Action>(message);
}

void Hold(const Situation& row) {
  FakeNode node;
  node.status = row.status;
  pb::Order order = MakeOrder(row.host, row.mode, *row.action);
  order.mutable_timeout()->set_seconds(2);
  for (const auto& certificate : row.certificates) *order.add_certificates() = certificate;
  const auto result = Drive(node.drivers, order);
  CAPTURE(row.name, result.message());
  CHECK(result.outcome() == row.outcome);
  CHECK(node.told == row.told);
}

TEST_CASE("on the way back, what does not apply succeeds and changes nothing", "[drivers]") {
  const auto back = pb::MODE_BACK;
  const auto seal = A(SealTo("source"));
  const auto await = A(action::LedgerAwaitPosition());
  const auto open = A(action::LedgerOpen());
  const auto refuse = A(action::LedgerRefuse());
  const auto unseal = A(action::LedgerUnseal());
  const auto to_target = SealOf(1, "source-0", "target-0");
  const auto to_source = SealOf(2, "target-0", "source-0");
  const std::vector<Situation> rows = {
      {"seal, never opened", "target-0", back, seal, Replica("target-0"), {to_target}, kOk, {}},
      {"seal, opened",
       "target-0",
       back,
       seal,
       Primary("target-0", 2),
       {},
       kOk,
       {"seal run-1 for source-0"}},
      {"seal, done before", "target-0", back, seal, Sealed("target-0", 2), {}, kOk, {}},
      {"await, nothing names it",
       "source-0",
       back,
       await,
       Sealed("source-0"),
       {to_target},
       kOk,
       {}},
      {"await, used up", "source-0", back, await, Primary("source-0", 3), {to_source}, kOk, {}},
      {"open, nothing names it", "source-0", back, open, Sealed("source-0"), {to_target}, kOk, {}},
      {"open, named",
       "source-0",
       back,
       open,
       Replica("source-0", 2),
       {to_target, to_source},
       kOk,
       {"open by 2"}},
      {"open, opened before", "source-0", back, open, Primary("source-0", 3), {to_source}, kOk, {}},
      {"refuse, nothing sealed", "target-0", back, refuse, Replica("target-0"), {}, kOk, {}},
      {"refuse, sealed",
       "target-0",
       back,
       refuse,
       Replica("target-0"),
       {to_target},
       kOk,
       {"refuse 2"}},
      {"refuse, opened", "target-0", back, refuse, Primary("target-0", 2), {to_target}, kOk, {}},
      {"unseal, not sealed", "source-0", back, unseal, Primary("source-0"), {}, kOk, {}},
      {"unseal, refused",
       "source-0",
       back,
       unseal,
       Sealed("source-0"),
       {to_target, RefusalOf(2, "target-0")},
       kOk,
       {"unseal by 2"}},
      {"unseal, not refused",
       "source-0",
       back,
       unseal,
       Sealed("source-0"),
       {to_target},
       kFailed,
       {}},
      {"unseal, another epoch refused",
       "source-0",
       back,
       unseal,
       Sealed("source-0", 3),
       {RefusalOf(2, "target-0")},
       kFailed,
       {}},
      {"unseal, another node refused",
       "source-0",
       back,
       unseal,
       Sealed("source-0"),
       {RefusalOf(2, "source-0")},
       kFailed,
       {}},
      {"replicate, while primary",
       "source-0",
       back,
       A(ReplicateFrom("target")),
       Primary("source-0"),
       {},
       kOk,
       {}},
  };
  for (const Situation& row : rows) Hold(row);
}

TEST_CASE("on the way forward the same are failures", "[drivers]") {
  const auto forward = pb::MODE_APPLY;
  const std::vector<Situation> rows = {
      {"open", "target-0", forward, A(action::LedgerOpen()), Replica("target-0"), {}, kFailed, {}},
      {"refuse",
       "target-0",
       forward,
       A(action::LedgerRefuse()),
       Replica("target-0"),
       {},
       kFailed,
       {}},
      {"unseal",
       "source-0",
       forward,
       A(action::LedgerUnseal()),
       Primary("source-0"),
       {},
       kFailed,
       {}},
      {"compare",
       "target-0",
       forward,
       A(action::LedgerCompare()),
       Replica("target-0"),
       {},
       kFailed,
       {}},
      {"seal to an unknown site",
       "source-0",
       forward,
       A(SealTo("moon")),
       Primary("source-0"),
       {},
       kFailed,
       {}},
      {"replicate from itself",
       "source-0",
       forward,
       A(ReplicateFrom("source")),
       Primary("source-0"),
       {},
       kFailed,
       {}},
  };
  for (const Situation& row : rows) Hold(row);
}

TEST_CASE("a probe tells what is there and changes nothing", "[drivers]") {
  const auto probe = pb::MODE_PROBE;
  const auto seal = A(SealTo("target"));
  const auto open = A(action::LedgerOpen());
  const auto to_target = SealOf(1, "source-0", "target-0");
  auto following = Replica("target-0");
  following.set_following("source-0");
  auto refused_before = Primary("source-0", 3);
  *refused_before.add_certificates() = to_target;
  const std::vector<Situation> rows = {
      {"seal, done", "source-0", probe, seal, Sealed("source-0"), {}, kOk, {}},
      {"seal, not done", "source-0", probe, seal, Primary("source-0"), {}, kFailed, {}},
      {"seal, undone", "source-0", probe, seal, refused_before, {}, kFailed, {}},
      {"seal, by another run",
       "source-0",
       probe,
       seal,
       Sealed("source-0", 1, "run-0"),
       {},
       kUnknown,
       {}},
      {"open, done", "target-0", probe, open, Primary("target-0", 2), {to_target}, kOk, {}},
      {"open, not done", "target-0", probe, open, Replica("target-0"), {to_target}, kFailed, {}},
      {"unseal, done",
       "source-0",
       probe,
       A(action::LedgerUnseal()),
       Primary("source-0", 3),
       {},
       kOk,
       {}},
      {"unseal, not done",
       "source-0",
       probe,
       A(action::LedgerUnseal()),
       Sealed("source-0"),
       {},
       kFailed,
       {}},
      {"replicate, done", "target-0", probe, A(ReplicateFrom("source")), following, {}, kOk, {}},
      {"replicate, not done",
       "target-0",
       probe,
       A(ReplicateFrom("source")),
       Replica("target-0"),
       {},
       kFailed,
       {}},
      {"position, held",
       "target-0",
       probe,
       A(action::LedgerAwaitPosition()),
       Replica("target-0"),
       {to_target},
       kOk,
       {}},
      {"position, not held",
       "target-0",
       probe,
       A(action::LedgerAwaitPosition()),
       Replica("target-0"),
       {SealOf(1, "source-0", "target-0", 11)},
       kFailed,
       {}},
  };
  for (const Situation& row : rows) Hold(row);
}

TEST_CASE("undoing replication stops it, unless the node is primary", "[drivers]") {
  auto following = Replica("target-0");
  following.set_following("source-0");
  const auto replicate = A(ReplicateFrom("source"));
  Hold({"follows", "target-0", pb::MODE_UNDO, replicate, following, {}, kOk, {"follow ''"}});
  Hold({"follows nobody", "target-0", pb::MODE_UNDO, replicate, Replica("target-0"), {}, kOk, {}});
  Hold({"primary", "target-0", pb::MODE_UNDO, replicate, Primary("target-0", 2), {}, kOk, {}});
  Hold({"seal has no undo",
        "source-0",
        pb::MODE_UNDO,
        A(SealTo("target")),
        Primary("source-0"),
        {},
        kFailed,
        {}});
}

}  // namespace
}  // namespace agents
