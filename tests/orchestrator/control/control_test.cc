#include "orchestrator/control/control.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "tests/orchestrator/control/harness.h"
#include "tests/orchestrator/engine/plans.h"
#include "tests/temporary_folder.h"

namespace orchestrator {
namespace {

using Catch::Matchers::Contains;
using hamisha::agent::v1::Order;
using hamisha::agent::v1::OrderResult;
using hamisha::agent::v1::OUTCOME_FAILED;
using hamisha::agent::v1::OUTCOME_UNKNOWN;
using hamisha::orchestrator::v1::RUN_STATE_ROLLED_BACK;
using hamisha::orchestrator::v1::RUN_STATE_SUCCEEDED;
using hamisha::orchestrator::v1::RunView;

bool Is(const Order& order, const std::string& step, const std::string& host) {
  return order.key().step() == step && order.key().host() == host;
}

TEST_CASE("a run goes through its agents to its end", "[control]") {
  const TemporaryFolder folder;
  RunningOrchestrator orchestrator(PlanOptions(folder.path(), SmallCutover()));
  FakeAgents agents(AllHosts(), AlwaysSucceed);
  agents.Dial(orchestrator.address());
  const std::string run = orchestrator.Submit();
  const RunView view = orchestrator.WatchToEnd();
  CHECK(view.state() == RUN_STATE_SUCCEEDED);
  CHECK(view.run() == run);
  CHECK(view.term() == 1);
  REQUIRE(view.steps_size() == 3);
  CHECK(view.steps(1).state() == "succeeded");
  CHECK(view.steps(1).hosts(1).host() == "source-1");
  CHECK(agents.Orders().size() == 5);
  CHECK(agents.Contradictions().empty());
  CHECK(base::SystemFileSystem().Exists(view.journal()));
}

TEST_CASE("how far a server's clock is off is the orchestrator's to say", "[control]") {
  Plan plan = EmptyPlan();
  plan.shards[0].add_nodes()->set_host("target-0");
  plan.steps = {MakeStep("facts", {kTarget0}, {.needs = {}}),
                MakeStep("drift", {kTarget0}, {.needs = {0}})};
  plan.steps[1].apply.takes_host_facts = true;
  const TemporaryFolder folder;
  RunningOrchestrator orchestrator(PlanOptions(folder.path(), plan));
  std::atomic<int64_t> told_s = 0;
  FakeAgents agents({"target-0"}, [&](const Order& order) {
    OrderResult result = *AlwaysSucceed(order);
    if (order.key().step() == "facts") result.mutable_host()->set_host("target-0");
    for (const auto& host : order.hosts()) told_s = host.clock_offset().seconds();
    return result;
  });
  agents.Dial(orchestrator.address());
  orchestrator.Submit();
  CHECK(orchestrator.WatchToEnd().state() == RUN_STATE_SUCCEEDED);
  CHECK(told_s < -1'000'000'000);  // These agents say that it is 1970.
}

TEST_CASE("another process goes on with the run, and repeats what is open", "[control]") {
  const TemporaryFolder folder;
  FakeAgents agents(AllHosts(), [](const Order& order) {
    return Is(order, "seal", "source-1") ? std::nullopt : AlwaysSucceed(order);
  });
  {
    RunningOrchestrator orchestrator(PlanOptions(folder.path(), SmallCutover()));
    agents.Dial(orchestrator.address());
    orchestrator.Submit();
    agents.AwaitOrder("seal on source-1");
    agents.HangUp();
  }
  agents.set_behaviour(AlwaysSucceed);
  RunningOrchestrator orchestrator(PlanOptions(folder.path(), SmallCutover()));
  agents.Dial(orchestrator.address());
  const RunView view = orchestrator.WatchToEnd();
  CHECK(view.state() == RUN_STATE_SUCCEEDED);
  CHECK(view.term() == 2);
  CHECK(agents.Orders().size() == 5);
  CHECK(agents.Contradictions().empty());
}

TEST_CASE("an unknown outcome is probed", "[control]") {
  const TemporaryFolder folder;
  FakeAgents agents(AllHosts(), [](const Order& order) -> std::optional<OrderResult> {
    if (Is(order, "seal", "source-0")) return Answer(order, OUTCOME_UNKNOWN, "was restarted");
    return AlwaysSucceed(order);
  });
  RunningOrchestrator orchestrator(PlanOptions(folder.path(), SmallCutover()));
  agents.Dial(orchestrator.address());
  orchestrator.Submit();
  CHECK(orchestrator.WatchToEnd().state() == RUN_STATE_SUCCEEDED);
  agents.AwaitOrder("seal/probe on source-0");
}

// One that fails, so that the way back is in the journal, too.
std::optional<OrderResult> FailToOpen(const Order& order) {
  if (Is(order, "open", "target-1")) return Answer(order, OUTCOME_FAILED, "its root differs");
  return AlwaysSucceed(order);
}

TEST_CASE("a failed step rolls the run back", "[control]") {
  const TemporaryFolder folder;
  RunningOrchestrator orchestrator(PlanOptions(folder.path(), SmallCutover()));
  FakeAgents agents(AllHosts(), FailToOpen);
  agents.Dial(orchestrator.address());
  const std::string run = orchestrator.Submit();
  const RunView view = orchestrator.WatchToEnd();
  CHECK(view.state() == RUN_STATE_ROLLED_BACK);
  CHECK_THAT(view.explanation(), Contains("its root differs"));
  REQUIRE(view.steps_size() == 3 + 4);
  CHECK(view.steps(4).id() == "seal/back/0");
  CHECK(view.steps(4).back());
  CHECK(view.steps(4).undoes() == "seal");
  CHECK(view.steps(4).state() == "undone");

  // A run that has ended can still be looked at, when a newer one is there as well.
  agents.set_behaviour(AlwaysSucceed);
  const std::string newer = orchestrator.Submit();
  CHECK(orchestrator.WatchToEnd().run() == newer);
  CHECK(orchestrator.control().Get(run)->state() == RUN_STATE_ROLLED_BACK);
  CHECK(orchestrator.control().Get("20150418-2300-none-7").status().code() ==
        absl::StatusCode::kNotFound);
}

TEST_CASE("an operator takes a finished run back, after a restart too", "[control]") {
  const TemporaryFolder folder;
  FakeAgents agents(AllHosts(), AlwaysSucceed);
  {
    RunningOrchestrator orchestrator(PlanOptions(folder.path(), SmallCutover()));
    agents.Dial(orchestrator.address());
    orchestrator.Submit();
    CHECK(orchestrator.WatchToEnd().state() == RUN_STATE_SUCCEEDED);
    agents.HangUp();
  }
  RunningOrchestrator orchestrator(PlanOptions(folder.path(), SmallCutover()));
  agents.Dial(orchestrator.address());
  hamisha::orchestrator::v1::ActRequest request;
  request.mutable_act()->set_act(hamisha::orchestrator::v1::ACT_ROLLBACK);
  request.mutable_act()->set_by("amina");
  REQUIRE(orchestrator.control().Act(request).ok());
  CHECK(orchestrator.WatchToEnd().state() == RUN_STATE_ROLLED_BACK);
  CHECK(orchestrator.control().Act(request).status().code() ==
        absl::StatusCode::kFailedPrecondition);
  CHECK(agents.Contradictions().empty());
}

// Goal: wherever a crash cuts the journal, a restart comes to the same end without a contradiction.
// Method: cut a whole journal after each line, and in the middle of the next one.
TEST_CASE("a journal cut anywhere leads to the same end", "[control]") {
  const TemporaryFolder folder;
  FakeAgents agents(AllHosts(), FailToOpen);
  std::string text;
  std::string run;
  {
    RunningOrchestrator orchestrator(PlanOptions(folder.path() + "/whole", SmallCutover()));
    agents.Dial(orchestrator.address());
    run = orchestrator.Submit();
    text = base::SystemFileSystem().Read(orchestrator.WatchToEnd().journal()).value();
    agents.HangUp();
  }
  const size_t orders = agents.Orders().size();
  for (size_t cut = text.find('\n') + 1; cut < text.size(); cut = text.find('\n', cut) + 1) {
    CAPTURE(cut);
    const std::string state = absl::StrCat(folder.path(), "/cut-", cut);
    const std::string runs = absl::StrCat(state, "/runs/", run);
    REQUIRE(base::SystemFileSystem().CreateFolders(runs).ok());
    REQUIRE(base::SystemFileSystem().Replace(state + "/term", "1").ok());
    const std::string torn = text.substr(0, cut + (cut % 2) * 5);
    REQUIRE(base::SystemFileSystem().Replace(runs + "/journal.jsonl", torn).ok());

    RunningOrchestrator orchestrator(PlanOptions(state, SmallCutover()));
    agents.Dial(orchestrator.address());
    REQUIRE(orchestrator.WatchToEnd().state() == RUN_STATE_ROLLED_BACK);
    agents.HangUp();
  }
  // Nothing but what the first run sent, and a probe where the failure was heard of first.
  const std::vector<std::string> all = agents.Orders();
  for (size_t i = orders; i < all.size(); ++i) CHECK(all[i] == "open/probe on target-0");
  CHECK(agents.Contradictions().empty());
}

// A disk whose syncs of journals fail from a chosen one on.
class FailingFiles final : public base::FileSystem {
 public:
  explicit FailingFiles(int good_syncs) : left_(good_syncs) {}

  absl::StatusOr<std::unique_ptr<base::File>> Open(const std::string& path) override {
    auto file = real_.Open(path);
    if (!file.ok()) return file.status();
    return std::make_unique<FailingFile>(*std::move(file), left_);
  }
  absl::StatusOr<std::unique_ptr<base::File>> OpenDirect(const std::string& path,
                                                         base::IfMissing if_missing) override {
    auto file = real_.OpenDirect(path, if_missing);
    if (!file.ok()) return file.status();
    return std::make_unique<FailingFile>(*std::move(file), left_);
  }
  absl::StatusOr<std::string> Read(const std::string& path) override { return real_.Read(path); }
  absl::Status Replace(const std::string& path, absl::string_view content) override {
    return real_.Replace(path, content);
  }
  absl::Status CreateFolders(const std::string& path) override { return real_.CreateFolders(path); }
  absl::Status SyncFolder(const std::string& path) override { return real_.SyncFolder(path); }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    return real_.Rename(from, to);
  }
  absl::Status Link(const std::string& from, const std::string& to) override {
    return real_.Link(from, to);
  }
  absl::Status RemoveAll(const std::string& path) override { return real_.RemoveAll(path); }
  absl::Status Remove(const std::string& path) override { return real_.Remove(path); }
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override {
    return real_.List(path);
  }
  absl::StatusOr<bool> IsLinked(const std::string& path) override { return real_.IsLinked(path); }
  bool Exists(const std::string& path) override { return real_.Exists(path); }

 private:
  class FailingFile final : public base::File {
   public:
    FailingFile(std::unique_ptr<base::File> real, std::atomic<int>& left)
        : real_(std::move(real)), left_(left) {}
    absl::Status ReadAt(uint64_t offset, void* data, size_t bytes) const override {
      return real_->ReadAt(offset, data, bytes);
    }
    absl::Status WriteAt(uint64_t offset, absl::string_view data) override {
      return real_->WriteAt(offset, data);
    }
    absl::Status Sync() override {
      return --left_ < 0 ? absl::InternalError("the disk is broken") : real_->Sync();
    }
    absl::Status Preallocate(uint64_t bytes) override { return real_->Preallocate(bytes); }
    absl::Status Truncate(uint64_t bytes) override { return real_->Truncate(bytes); }
    absl::StatusOr<uint64_t> Size() const override { return real_->Size(); }

   private:
    const std::unique_ptr<base::File> real_;
    std::atomic<int>& left_;
  };

  base::FileSystem& real_ = base::SystemFileSystem();
  std::atomic<int> left_;
};

TEST_CASE("what cannot be journaled is not ordered", "[control]") {
  const TemporaryFolder folder;
  FailingFiles files(1);  // The sync that opens the journal, and none after it.
  ControlOptions options = PlanOptions(folder.path(), SmallCutover());
  options.files = &files;
  std::atomic<int> fatal = 0;
  options.fatal = [&](const absl::Status&) { ++fatal; };
  RunningOrchestrator orchestrator(std::move(options));
  FakeAgents agents(AllHosts(), AlwaysSucceed);
  agents.Dial(orchestrator.address());
  hamisha::orchestrator::v1::SubmitRunRequest request;
  request.set_kind(hamisha::orchestrator::v1::RUN_KIND_REHEARSAL);
  request.set_plan_digest(base::ToHex(SmallCutover().digest));
  CHECK(orchestrator.control().Submit(request).status().code() == absl::StatusCode::kUnavailable);
  orchestrator.control().Stop();
  CHECK(fatal == 1);
  agents.HangUp();
  CHECK(agents.Orders().empty());
}

}  // namespace
}  // namespace orchestrator
