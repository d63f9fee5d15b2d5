// World: what must be so when a run has ended.
#include <algorithm>

#include "absl/strings/str_cat.h"

#include "simulation/world.h"

namespace simulation {

using namespace hamisha::orchestrator::v1;  // NOLINT(google-build-using-namespace): run states.
using orchestrator::StepState;

void World::OnEnded(const orchestrator::RunEnded& ended) {
  environment_.trace.Note("the run ended: ", RunState_Name(ended.state), " ", ended.explanation);
  ended_ = ended;
  ended_at_ = environment_.scheduler.now();
  if (rogue_calls_) return;  // Others move ownership, too: what the run did says little.
  if (ended.state == RUN_STATE_ROLLED_BACK) CheckRolledBack();
  if (ended.state == RUN_STATE_SUCCEEDED) CheckSucceeded();
}

void World::CheckRolledBack() {
  constexpr char kPromise[] = "the way back is whole";
  for (const auto& node : node_list_) {
    const bool is_source = source_site_.empty() ||
                           environment_.network.SiteOf(node->place().host) == sites_[source_site_];
    if (is_source == node->OwnsByLog()) continue;
    environment_.promises.Broken(
        kPromise, absl::StrCat("the run went back, and ", node->place().id,
                               is_source ? " does not own its shard" : " owns a shard"));
  }
  const auto& engine = orchestrators_.back()->engine();
  for (size_t i = 0; i < engine.steps().size(); ++i) {
    const auto& planned = engine.plan().steps[i];
    const bool begun = engine.steps()[i].begun > 0;
    const bool has_way_back = !planned.rollback.empty() || planned.own_undo;
    const StepState state = engine.steps()[i].state;
    if (begun && has_way_back && state != StepState::kUndone) {
      environment_.promises.Broken(kPromise,
                                   absl::StrCat("the run went back, and step ", planned.id, " is ",
                                                std::string(orchestrator::ToString(state))));
    }
  }
  CheckGates(source_site_, kPromise);
}

// Where the plan opens shards, those nodes own them now, and writes go there.
void World::CheckSucceeded() {
  constexpr char kPromise[] = "nothing is reported done that is not";
  const auto& plan = *options_.plan;
  std::string opened_site;
  for (const auto& step : plan.steps) {
    if (step.apply.action != "ledger.open") continue;
    for (const uint32_t host : step.apply.hosts) {
      opened_site = plan.hosts[host].site;
      const auto node = nodes_.find(plan.hosts[host].name);
      if (node == nodes_.end() || node->second->OwnsByLog()) continue;
      environment_.promises.Broken(kPromise, absl::StrCat("the run succeeded, and ", node->first,
                                                          " does not own its shard"));
    }
  }
  const bool releases = std::any_of(plan.steps.begin(), plan.steps.end(), [](const auto& step) {
    return step.apply.action == "gateway.release";
  });
  if (!opened_site.empty() && releases) CheckGates(opened_site, kPromise);
}

void World::CheckGates(const std::string& node_site, const char* promise) {
  for (const auto& gateway : gateways_) {
    if (!gateway->closed().empty()) {
      environment_.promises.Broken(
          promise, absl::StrCat(gateway->name(), " has classes of writes closed at last"));
    }
    for (const Gateway::Gate& gate : gateway->Gates()) {
      const bool is_there =
          environment_.network.SiteOf(nodes_.at(gate.node)->place().host) == sites_[node_site];
      if (is_there && !gate.holding) continue;
      environment_.promises.Broken(
          promise, absl::StrCat(gateway->name(), gate.holding ? " holds writes of" : " routes",
                                " shard ", gate.shard, " to ", gate.node));
    }
  }
}

// Once everything works again.
void World::CheckAtLast() {
  if (rogue_calls_ || !options_.operator_mends) return;
  const bool has_way_back = !orchestrators_.back()->engine().past_no_return();
  if (ended_->state == RUN_STATE_UNKNOWN && has_way_back) {
    environment_.promises.Broken("rollback until the last step",
                                 absl::StrCat("asked again and again: ", ended_->explanation));
  }
  for (const auto& shard : options_.plan->shards) {
    const auto primaries =
        std::count_if(shard.nodes().begin(), shard.nodes().end(),
                      [&](const auto& node) { return nodes_.at(node.node_id())->IsPrimary(); });
    // A plan may seal and end there; then it says so itself.
    if (primaries == 1 || ended_->state == RUN_STATE_STOPPED) continue;
    environment_.promises.Broken(
        "at most one writer",
        absl::StrCat("at last shard ", shard.shard(), " has ", primaries, " primaries"));
  }
  if (!clients_->AllAnswered() && ended_->state != RUN_STATE_STOPPED) {
    environment_.promises.Broken("writes are answered",
                                 "all works again, and a client's write is not answered");
  }
}

}  // namespace simulation
