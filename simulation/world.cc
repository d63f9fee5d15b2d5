#include "simulation/world.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/invariant.h"

namespace simulation {
namespace {

using namespace hamisha::orchestrator::v1;  // NOLINT(google-build-using-namespace): run states.

constexpr char kRun[] = "20150418-2000-simulated-1";
constexpr int kRollbacksAskedMax = 12;
constexpr absl::Duration kOperatorMin = absl::Seconds(1);
constexpr absl::Duration kOperatorMax = absl::Seconds(10);

// Where writes go before the plan begins.
std::string SourceSiteOf(const orchestrator::Plan& plan) {
  for (const auto& step : plan.steps) {
    if (step.apply.action == "ledger.seal") return plan.hosts[step.apply.hosts.front()].site;
  }
  for (const auto& host : plan.hosts) {
    if (host.kind == "ledger") return host.site;
  }
  return "";
}

bool LooksAtFacts(const orchestrator::Plan& plan) {
  return !plan.guardrails.empty() ||
         std::any_of(plan.steps.begin(), plan.steps.end(), [](const auto& step) {
           return step.when.has_value() || step.until.has_value() || !step.apply.bindings.empty();
         });
}

}  // namespace

World::World(WorldOptions options)
    : options_(std::move(options)),
      environment_(options_.seed),
      people_(environment_,
              {.think = options_.think, .reject = environment_.dice.Chance(options_.rates.reject)},
              [this]() -> Orchestrator& { return *orchestrators_.back(); }) {
  environment_.trace.TurnOn(options_.trace_lines);
  environment_.network.traits().round_trip_between_sites = options_.round_trip_between_sites;
  drivers_.work = options_.work;
  drivers_.failing = options_.failing_steps;
  drivers_.tells_facts = LooksAtFacts(*options_.plan);
  plan_digest_ = std::string(base::AsBytes(options_.plan->digest));
  source_site_ = SourceSiteOf(*options_.plan);
  Build();
  PlanFaults();
}

void World::Build() {
  for (const auto& host : options_.plan->hosts) {
    const auto [site, is_new] = sites_.try_emplace(host.site, sites_.size());
    hosts_[host.name] = environment_.network.AddHost(site->second);
  }
  BuildShards();
  BuildHosts();
  const uint32_t home = sites_.empty() ? 0 : sites_.rbegin()->second;
  hosts_["clients"] = environment_.network.AddHost(home);
  std::vector<Gateway*> gateways;
  for (const auto& gateway : gateways_) gateways.push_back(gateway.get());
  clients_ = std::make_unique<Clients>(environment_, hosts_["clients"], gateways,
                                       static_cast<uint32_t>(options_.plan->shards.size()));
  AddOrchestrator();
  for (const auto& agent : agents_) {
    agent->Dial([this] {
      // Who is replaced may be found before the one that replaced it.
      const bool stale = stale_orchestrators_ > 0 && environment_.dice.Chance(0.5);
      const size_t newest = orchestrators_.size() - 1;
      return orchestrators_[stale ? environment_.dice.Below(newest + 1) : newest].get();
    });
  }
}

void World::BuildShards() {
  for (const auto& shard : options_.plan->shards) {
    std::vector<std::string> members;
    for (const auto& node : shard.nodes()) members.push_back(node.node_id());
    std::vector<LedgerNode*> nodes;
    for (const auto& node : shard.nodes()) {
      node_list_.push_back(std::make_unique<LedgerNode>(
          environment_, LedgerNode::Place{shard.shard(), node.node_id(), hosts_.at(node.host())},
          members));
      nodes.push_back(node_list_.back().get());
      nodes_[node.node_id()] = nodes.back();
    }
    environment_.promises.Know(shard.shard(), {nodes.begin(), nodes.end()});
    for (size_t i = 0; i < nodes.size(); ++i) {
      nodes[i]->Meet(nodes);
      if (shard.nodes(static_cast<int>(i)).site() == source_site_) nodes[i]->Bootstrap();
    }
  }
}

void World::BuildHosts() {
  const auto& plan = *options_.plan;
  for (const auto& host : plan.hosts) {
    Agent::Place place{
        .host = host.name, .index = hosts_[host.name], .node = nullptr, .gateway = nullptr};
    if (host.kind == "gateway") {
      gateways_.push_back(std::make_unique<Gateway>(environment_, host.name, place.index, nodes_));
      place.gateway = gateways_.back().get();
      for (const auto& shard : plan.shards) {
        for (const auto& node : shard.nodes()) {
          if (node.site() == source_site_) place.gateway->AddShard(shard.shard(), node.node_id());
        }
      }
    } else if (const auto node = nodes_.find(host.name); node != nodes_.end()) {
      place.node = node->second;
    }
    agents_.push_back(std::make_unique<Agent>(environment_, drivers_, place, plan_digest_));
  }
}

Orchestrator& World::AddOrchestrator() {
  const uint32_t home = sites_.empty() ? 0 : sites_.rbegin()->second;
  const HostIndex host = environment_.network.AddHost(home);
  hosts_["orchestrator"] = host;
  orchestrators_.push_back(std::make_unique<Orchestrator>(
      environment_, journal_,
      Orchestrator::Options{.host = host, .plan = options_.plan, .run = kRun}));
  orchestrators_.back()->on_moved = [this] { people_.Look(); };
  orchestrators_.back()->on_ended = [this](const orchestrator::RunEnded& ended) { OnEnded(ended); };
  return *orchestrators_.back();
}

absl::Time World::WallNow() const {
  return absl::FromUnixSeconds(1'429'387'200) + environment_.scheduler.now() + clock_offset_;
}

WorldResult World::Run() {
  clients_->Begin(options_.workload);
  orchestrators_.back()->Start(WallNow());
  while (Advance()) {
  }
  return Finish();
}

bool World::Advance() {
  if (environment_.promises.broken() != nullptr || is_over_) return false;
  if (!environment_.scheduler.RunNext()) {
    environment_.promises.Broken("the run ends", "nothing is left to happen");
    return false;
  }
  if (!waiting_faults_.empty()) FaultsThatAreDue();
  const bool is_mended = waiting_faults_.empty() && mending_ == 0;
  if (!is_mended) {
    quiet_since_ = environment_.scheduler.now();
    return true;
  }
  if (environment_.scheduler.now() > quiet_since_ + options_.time_max) {
    environment_.promises.Broken(
        "the run ends", absl::StrCat("everything works since ", absl::FormatDuration(quiet_since_),
                                     ", and it goes on"));
    return false;
  }
  if (!ended_.has_value()) SeeThatItEnded();
  if (ended_.has_value() && !operator_acts_) OperatorActs();
  return true;
}

// Who had asked for the way back of a run that had ended, and was not heard, finds it as it was.
void World::SeeThatItEnded() {
  const Orchestrator& newest = *orchestrators_.back();
  if (!newest.life().is_up || !newest.is_idle() || !newest.engine().ended()) return;
  ended_ = {newest.engine().state(), newest.engine().explanation()};
}

// What people do when a run has ended.
void World::OperatorActs() {
  const Orchestrator& newest = *orchestrators_.back();
  if (!newest.is_idle() || !newest.engine().ended()) return;
  const bool unclear = ended_->state == RUN_STATE_UNKNOWN && !newest.engine().past_no_return();
  if (unclear && options_.operator_mends && rollbacks_asked_ < kRollbacksAskedMax) {
    ++rollbacks_asked_;
    operator_acts_ = true;
    environment_.scheduler.After(environment_.dice.Between(kOperatorMin, kOperatorMax), [this] {
      operator_acts_ = false;
      ended_.reset();
      environment_.trace.Note("the operator asks for the way back again");
      people_.Say(ACT_ROLLBACK, "it did not end clearly");
    });
    return;
  }
  clients_->Stop();
  if (IsSettled()) is_over_ = true;
}

bool World::IsSettled() const {
  // Where nobody can write at last, nobody waits for it.
  const absl::Duration patience = rogue_calls_ ? absl::Seconds(1) : absl::Minutes(2);
  const absl::Duration since = std::max(ended_at_, quiet_since_);
  return clients_->AllAnswered() || environment_.scheduler.now() > since + patience;
}

WorldResult World::Finish() {
  if (environment_.promises.broken() == nullptr) CheckAtLast();
  WorldResult result;
  if (const BrokenPromise* broken = environment_.promises.broken()) result.broken = *broken;
  if (ended_.has_value()) {
    result.state = ended_->state;
    result.explanation = ended_->explanation;
  }
  result.length = ended_at_;
  result.longest_wait = clients_->longest_wait();
  result.answered = clients_->answered();
  result.writes_pass = clients_->AllAnswered();
  result.events = environment_.scheduler.ran();
  result.trace = environment_.trace.lines();
  result.faults = faults_;
  return result;
}

}  // namespace simulation
