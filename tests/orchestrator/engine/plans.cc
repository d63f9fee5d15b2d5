#include "tests/orchestrator/engine/plans.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "hamisha/ledger/v1/verification.pb.h"

namespace orchestrator {

using hamisha::agent::v1::Order;
using hamisha::agent::v1::OrderResult;

Plan EmptyPlan() {
  Plan plan;
  plan.name = "small";
  plan.hosts = {{"source-0", "source", "ledger", {0}},
                {"source-1", "source", "ledger", {1}},
                {"target-0", "target", "ledger", {0}},
                {"target-1", "target", "ledger", {1}},
                {"gateway-0", "target", "gateway", {0, 1}}};
  for (uint32_t shard = 0; shard < 2; ++shard) {
    auto& context = plan.shards.emplace_back();
    context.set_shard(shard);
  }
  plan.digest.fill(7);
  return plan;
}

PlannedAction MakeAction(const std::string& action, std::vector<uint32_t> hosts, bool mutates) {
  PlannedAction made;
  made.action = action;
  made.message.set_type_url(absl::StrCat("type.googleapis.com/test.", action));
  made.hosts = std::move(hosts);
  made.timeout = absl::Seconds(5);
  made.mutates = mutates;
  return made;
}

PlannedStep MakeStep(const std::string& id, std::vector<uint32_t> hosts, StepOptions options) {
  PlannedStep step;
  step.id = id;
  step.phase = "freeze";
  step.name = id;
  step.apply = MakeAction("test." + id, std::move(hosts), options.mutates);
  step.needs = options.needs;
  step.on_failure = options.on_failure;
  step.retries = options.retries;
  step.delay = absl::Seconds(1);
  step.own_undo = options.own_undo;
  return step;
}

Plan SmallCutover() {
  Plan plan = EmptyPlan();
  plan.steps = {
      MakeStep("hold", {kGateway}, {.needs = {}, .on_failure = OnFailure::kRollback}),
      MakeStep("seal", {kSource0, kSource1}, {.needs = {0}, .on_failure = OnFailure::kRollback}),
      MakeStep("open", {kTarget0, kTarget1}, {.needs = {1}, .on_failure = OnFailure::kRollback})};
  plan.steps[1].own_undo = false;
  plan.steps[1].rollback = {MakeAction("ledger.refuse", {kTarget0, kTarget1}, true),
                            MakeAction("ledger.unseal", {kSource0, kSource1}, true)};
  return plan;
}

hamisha::ledger::v1::Signed SealCertificate(uint32_t shard, uint64_t epoch) {
  hamisha::ledger::v1::SealStatement seal;
  seal.set_shard(shard);
  seal.set_epoch(epoch);
  hamisha::ledger::v1::Signed certificate;
  certificate.set_type("hamisha.seal.v1");
  certificate.set_payload(seal.SerializeAsString());
  certificate.set_signer(absl::StrCat("source-", shard));
  return certificate;
}

hamisha::ledger::v1::Signed CutoverCertificate(const std::string& signer,
                                               const std::string& state_root) {
  hamisha::ledger::v1::CutoverStatement statement;
  statement.set_epoch(1);
  statement.set_state_root(state_root);
  hamisha::ledger::v1::Signed certificate;
  certificate.set_type("hamisha.cutover.v1");
  certificate.set_payload(statement.SerializeAsString());
  certificate.set_signer(signer);
  return certificate;
}

PersonActed RollbackRequested(const std::string& reason) {
  PersonActed acted;
  acted.act.set_act(hamisha::orchestrator::v1::ACT_ROLLBACK);
  acted.act.set_by("amina");
  acted.act.set_reason(reason);
  return acted;
}

Driver::Driver(Plan plan)
    : plan_(std::make_shared<const Plan>(std::move(plan))),
      engine_(std::make_unique<Engine>(plan_, "run-1")) {}

void Driver::Apply(Event event) {
  const auto effects = engine_->Apply(event);
  REQUIRE(effects.ok());
  inputs_.push_back(std::move(event));
  outputs_.push_back(Serialize(*effects));
  for (const Effect& effect : *effects) {
    if (const auto* send = std::get_if<SendOrder>(&effect)) {
      for (const Order& before : sent_) {
        if (before.key().SerializeAsString() == send->order.key().SerializeAsString()) {
          FAIL("two orders with key " << send->order.key().ShortDebugString());
        }
      }
      sent_.push_back(send->order);
    } else {
      ends_.push_back(std::get<RunEnded>(effect));
    }
  }
}

std::vector<std::string> Driver::Serialize(const std::vector<Effect>& effects) {
  std::vector<std::string> texts;
  for (const Effect& effect : effects) {
    if (const auto* send = std::get_if<SendOrder>(&effect)) {
      texts.push_back(send->order.SerializeAsString());
    } else {
      const auto& end = std::get<RunEnded>(effect);
      texts.push_back(absl::StrCat(end.state, " ", end.explanation));
    }
  }
  return texts;
}

void Driver::Start() { Start({}); }
void Driver::Start(const Started& started) { Apply({now_, started}); }
void Driver::NewTerm() { Apply({now_, TermStarted{}}); }
void Driver::RollBack(const std::string& reason) { Apply({now_, RollbackRequested(reason)}); }
void Driver::Act(const hamisha::orchestrator::v1::PersonAct& act) {
  Apply({now_, PersonActed{act}});
}
void Driver::Answer(const OrderResult& result) { Apply({now_, OrderEnded{result}}); }

void Driver::TickNext() {
  REQUIRE(engine_->NextDeadline() < absl::InfiniteFuture());
  now_ = std::max(now_, engine_->NextDeadline());
  Apply({now_, Tick{}});
}

const Order& Driver::Sent(const std::string& step, const std::string& host) const {
  const auto found = std::find_if(sent_.begin(), sent_.end(), [&](const Order& order) {
    return order.key().step() == step && order.key().host() == host;
  });
  INFO("no order for " << step << " on " << host);
  REQUIRE(found != sent_.end());
  return *found;
}

void Driver::Succeed(const std::string& step, const std::string& host) {
  OrderResult result;
  *result.mutable_key() = Sent(step, host).key();
  result.set_outcome(hamisha::agent::v1::OUTCOME_SUCCEEDED);
  Answer(result);
}

void Driver::Fail(const std::string& step, const std::string& host, const std::string& message) {
  OrderResult result;
  *result.mutable_key() = Sent(step, host).key();
  result.set_outcome(hamisha::agent::v1::OUTCOME_FAILED);
  result.set_message(message);
  Answer(result);
}

void Driver::Unknown(const std::string& step, const std::string& host) {
  OrderResult result;
  *result.mutable_key() = Sent(step, host).key();
  result.set_outcome(hamisha::agent::v1::OUTCOME_UNKNOWN);
  Answer(result);
}

std::vector<std::string> Driver::NewOrders() {
  std::vector<std::string> texts;
  for (; seen_ < sent_.size(); ++seen_) {
    texts.push_back(absl::StrCat(sent_[seen_].key().step(), " on ", sent_[seen_].key().host()));
  }
  return texts;
}

StepState Driver::StateOf(const std::string& step) const {
  for (size_t i = 0; i < plan_->steps.size(); ++i) {
    if (plan_->steps[i].id == step) return engine_->steps()[i].state;
  }
  FAIL("no step " << step);
  return StepState::kPending;
}

void Driver::RequireSameReplay() const {
  Engine fresh(plan_, "run-1");
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const auto effects = fresh.Apply(inputs_[i]);
    REQUIRE(effects.ok());
    REQUIRE(Serialize(*effects) == outputs_[i]);
  }
  REQUIRE(fresh.state() == engine_->state());
  REQUIRE(fresh.explanation() == engine_->explanation());
  REQUIRE(fresh.NextDeadline() == engine_->NextDeadline());
  for (size_t i = 0; i < plan_->steps.size(); ++i) {
    REQUIRE(fresh.steps()[i].state == engine_->steps()[i].state);
  }
}

}  // namespace orchestrator
