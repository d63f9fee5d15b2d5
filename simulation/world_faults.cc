// World: what goes wrong, and mends.
#include <algorithm>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/invariant.h"
#include "simulation/world.h"

namespace simulation {
namespace {

namespace pb = ::hamisha::agent::v1;
using namespace hamisha::orchestrator::v1;  // NOLINT(google-build-using-namespace): acts.

constexpr absl::Duration kRogueMin = absl::Milliseconds(1);
constexpr absl::Duration kRogueMax = absl::Milliseconds(120);
constexpr absl::Duration kRogueUntil = absl::Seconds(30);

}  // namespace

void World::PlanFaults() {
  Dice& dice = environment_.dice;
  faults_ = DrawFaults(options_.rates, Places(), options_.sunny_length, dice);
  faults_.insert(faults_.end(), options_.faults.begin(), options_.faults.end());
  waiting_faults_ = faults_;
  rogue_orders_ = dice.Chance(options_.rates.rogue_orders);
  rogue_calls_ = dice.Chance(options_.rates.rogue_calls);
  if (dice.Chance(options_.rates.failing_step)) {
    drivers_.failing.insert(options_.plan->steps[dice.Below(options_.plan->steps.size())].id);
  }
  for (const std::string& step : drivers_.failing) {
    environment_.trace.Note("step ", step, " will fail");
  }
  for (const Fault& fault : faults_) environment_.trace.Note("fault: ", ToText(fault));
  // So that something happens at the times that are asked for.
  for (const Fault& fault : faults_) environment_.scheduler.After(fault.after, [] {});
  if (rogue_orders_ || rogue_calls_) {
    ++mending_;
    RogueLater();
  }
}

std::vector<std::string> World::Places() const {
  std::vector<std::string> places = {"orchestrator"};
  for (const auto& host : options_.plan->hosts) {
    const bool is_node = nodes_.contains(host.name);
    places.push_back(absl::StrCat(is_node ? "node:" : "gateway:", host.name));
    places.push_back(absl::StrCat("agent:", host.name));
    places.push_back(absl::StrCat("host:", host.name));
  }
  return places;
}

void World::FaultsThatAreDue() {
  const auto is_due = [&](const Fault& fault) {
    if (fault.after > environment_.scheduler.now()) return false;
    if (fault.event > environment_.scheduler.ran()) return false;
    if (fault.step.empty()) return true;
    const auto& engine = orchestrators_.back()->engine();
    for (size_t i = 0; i < engine.steps().size(); ++i) {
      if (engine.plan().steps[i].id == fault.step) return engine.steps()[i].number > 0;
    }
    return false;
  };
  // One that waits for a step that never begins waits no longer than the run.
  if (ended_.has_value()) {
    std::erase_if(waiting_faults_,
                  [](const Fault& fault) { return !fault.step.empty() || fault.event > 0; });
  }
  for (size_t i = 0; i < waiting_faults_.size();) {
    if (!is_due(waiting_faults_[i])) {
      ++i;
      continue;
    }
    const Fault fault = waiting_faults_[i];
    waiting_faults_.erase(waiting_faults_.begin() + static_cast<std::ptrdiff_t>(i));
    Happen(fault);
  }
}

void World::UntilMended(absl::Duration duration, Scheduler::Action mend) {
  ++mending_;
  environment_.scheduler.After(duration, [this, mend = std::move(mend)]() mutable {
    --mending_;
    mend();
  });
}

void World::Happen(const Fault& fault) {
  environment_.trace.Note("now: ", ToText(fault));
  switch (fault.kind) {
    case Fault::Kind::kCrash: return Crash(fault.what, fault.duration);
    case Fault::Kind::kCut: return CutOff(fault);
    case Fault::Kind::kTakeover: return TakeOver(fault.duration);
    case Fault::Kind::kRollback: return AskForTheWayBack();
    case Fault::Kind::kPause: return people_.Say(ACT_PAUSE, "let us look first");
    case Fault::Kind::kAbort: return people_.Say(ACT_ABORT, "it is enough");
    case Fault::Kind::kAbortTime: return orchestrators_.back()->AbortTimeCame();
    case Fault::Kind::kClock: clock_offset_ += fault.clock_step; return;
    case Fault::Kind::kNetwork: {
      NetworkTraits& traits = environment_.network.traits();
      const NetworkTraits before = traits;
      traits = fault.network;
      traits.round_trip_between_sites = before.round_trip_between_sites;
      return UntilMended(fault.duration, [&traits, before] { traits = before; });
    }
    case Fault::Kind::kDisk:
      environment_.disk.stall = fault.stall;
      return UntilMended(fault.duration, [this] { environment_.disk.stall = 0; });
  }
  UNREACHABLE();
}

// Also of a run that has ended well.
void World::AskForTheWayBack() {
  Orchestrator& newest = *orchestrators_.back();
  if (!newest.life().is_up) return;
  const RunState state = newest.engine().state();
  if (state == RUN_STATE_ROLLING_BACK || state == RUN_STATE_ROLLED_BACK) return;
  if (newest.engine().past_no_return()) return;
  ended_.reset();
  people_.Say(ACT_ROLLBACK, "it was thought better");
}

void World::Crash(const std::string& what, absl::Duration duration) {
  absl::string_view host = what;
  if (!absl::ConsumePrefix(&host, "host:")) return CrashProcess(what, duration);
  CrashProcess(absl::StrCat("agent:", host), duration);
  CrashProcess(absl::StrCat("node:", host), duration);
  CrashProcess(absl::StrCat("gateway:", host), duration);
}

// What is down already stays so for as long as was said first.
void World::CrashProcess(const std::string& what, absl::Duration duration) {
  const auto crash = [&](auto& process) {
    if (!process.life().is_up) return;
    process.Crash();
    UntilMended(duration, [&process] { process.Start(); });
  };
  if (what == "orchestrator") {
    Orchestrator& process = *orchestrators_.back();
    if (!process.life().is_up) return;
    process.Crash();
    UntilMended(duration, [this, &process] {
      if (&process == orchestrators_.back().get()) process.Start(WallNow());
    });
  }
  for (const auto& node : node_list_) {
    if (absl::StrCat("node:", node->place().id) == what) crash(*node);
  }
  for (const auto& gateway : gateways_) {
    if (absl::StrCat("gateway:", gateway->name()) == what) crash(*gateway);
  }
  for (const auto& agent : agents_) {
    if (absl::StrCat("agent:", agent->place().host) == what) crash(*agent);
  }
}

std::vector<HostIndex> World::HostsOf(const std::string& what) const {
  absl::string_view name = what;
  uint32_t site = 0;
  if (absl::ConsumePrefix(&name, "site:")) {
    const auto found = sites_.find(std::string(name));
    if (found == sites_.end() && !absl::SimpleAtoi(name, &site)) return {};
    if (found != sites_.end()) site = found->second;
    std::vector<HostIndex> hosts;
    for (HostIndex host = 0; host < environment_.network.hosts(); ++host) {
      if (environment_.network.SiteOf(host) == site) hosts.push_back(host);
    }
    return hosts;
  }
  name = name.substr(name.find(':') == absl::string_view::npos ? 0 : name.find(':') + 1);
  const auto found = hosts_.find(std::string(name));
  return found == hosts_.end() ? std::vector<HostIndex>() : std::vector<HostIndex>{found->second};
}

void World::CutOff(const Fault& fault) {
  std::vector<std::pair<HostIndex, HostIndex>> cut;
  for (const HostIndex a : HostsOf(fault.what)) {
    for (const HostIndex b : HostsOf(fault.other)) {
      if (a != b) cut.emplace_back(a, b);
    }
  }
  Network& network = environment_.network;
  for (const auto& [a, b] : cut) network.Cut(a, b);
  UntilMended(fault.duration, [&network, cut] {
    for (const auto& [a, b] : cut) network.Heal(a, b);
  });
}

void World::TakeOver(absl::Duration duration) {
  Orchestrator& old = *orchestrators_.back();
  AddOrchestrator().Start(WallNow());
  ++stale_orchestrators_;
  UntilMended(duration, [this, &old] {
    --stale_orchestrators_;
    if (old.life().is_up) old.Crash();
  });
}

// --- Somebody who has copies of everything that was ever sent ---

void World::RogueLater() {
  environment_.scheduler.After(environment_.dice.Between(kRogueMin, kRogueMax), [this] {
    if (environment_.scheduler.now() > kRogueUntil || ended_.has_value()) {
      --mending_;
      return;
    }
    RogueActs();
    RogueLater();
  });
}

void World::RogueActs() {
  if (rogue_calls_ && (!rogue_orders_ || environment_.dice.Chance(0.5))) return RogueCall();
  if (rogue_orders_) RogueOrder();
}

// An order of the run again: as it was, of an older orchestrator, or of another plan.
void World::RogueOrder() {
  Dice& dice = environment_.dice;
  if (journal_.durable == 0) return;
  const auto* order = std::get_if<std::shared_ptr<const pb::Order>>(
      &journal_.entries[dice.Below(journal_.durable)]);
  if (order == nullptr) return;
  pb::Order again = **order;
  again.set_term(journal_.term);
  // What plan a run is of an agent learns from the run's first order.
  const uint64_t kind = dice.Below(environment_.promises.HasObeyed(again.key().host()) ? 3 : 2);
  if (kind == 1) again.set_term(dice.Below(journal_.term));
  if (kind == 2) again.set_plan_digest(std::string(32, 'x'));
  for (const auto& agent : agents_) {
    if (agent->place().host == again.key().host()) agent->Inject(again);
  }
}

void World::RogueCall() {
  Dice& dice = environment_.dice;
  LedgerNode& node = *node_list_[dice.Below(node_list_.size())];
  // What a node has promised must outlive it.
  if (dice.Chance(0.1)) {
    return CrashProcess(absl::StrCat("node:", node.place().id),
                        dice.Between(absl::Milliseconds(1), absl::Milliseconds(50)));
  }
  const LedgerNode& other = *node_list_[dice.Below(node_list_.size())];
  constexpr NodeRequest::Kind kKinds[] = {NodeRequest::Kind::kSeal, NodeRequest::Kind::kOpen,
                                          NodeRequest::Kind::kRefuse, NodeRequest::Kind::kUnseal,
                                          NodeRequest::Kind::kFollow};
  NodeRequest request{.kind = kKinds[dice.Below(std::size(kKinds))],
                      .run = "another",
                      .node = other.place().id,
                      .certificate = {}};
  if (request.kind == NodeRequest::Kind::kFollow && dice.Chance(0.5)) request.node.clear();
  if (!request.node.empty() && request.kind == NodeRequest::Kind::kFollow &&
      (&other == &node || other.place().shard != node.place().shard)) {
    return;
  }
  const auto& certificates = environment_.promises.certificates();
  if (!certificates.empty()) request.certificate = certificates[dice.Below(certificates.size())];
  node.Handle(request, [](const absl::StatusOr<NodeAnswer>&) {});
}

}  // namespace simulation
