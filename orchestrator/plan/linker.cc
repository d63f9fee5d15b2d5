#include "orchestrator/plan/linker.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "orchestrator/plan/rules.h"
#include "orchestrator/plan/step_order.h"
#include "orchestrator/playbook/suggest.h"

namespace orchestrator {
namespace {

std::vector<Host> PlanHosts(const Inventory& inventory) {
  std::vector<uint32_t> all_shards;
  for (uint32_t shard = 0; shard < inventory.shard_count; ++shard) all_shards.push_back(shard);
  std::vector<Host> hosts;
  for (const InventoryHost& host : inventory.hosts) {
    hosts.push_back({.name = host.name.text, .site = host.site, .kind = host.kind, .shards = {}});
    if (host.shard.has_value()) hosts.back().shards = {*host.shard};
    if (host.kind == "gateway") hosts.back().shards = all_shards;
  }
  return hosts;
}

std::vector<hamisha::agent::v1::ShardContext> PlanShards(const Inventory& inventory) {
  std::vector<hamisha::agent::v1::ShardContext> shards(inventory.shard_count);
  for (uint32_t shard = 0; shard < inventory.shard_count; ++shard) shards[shard].set_shard(shard);
  for (const InventoryHost& host : inventory.hosts) {
    if (!host.shard.has_value() || *host.shard >= inventory.shard_count) continue;
    hamisha::agent::v1::ShardNode& node = *shards[*host.shard].add_nodes();
    node.set_node_id(host.name.text);
    node.set_site(host.site);
    node.set_host(host.name.text);
  }
  return shards;
}

OnFailure ToOnFailure(const std::string& text) {
  for (const OnFailure on_failure :
       {OnFailure::kRollback, OnFailure::kContinue, OnFailure::kHold}) {
    if (ToString(on_failure) == text) return on_failure;
  }
  return OnFailure::kStop;
}

}  // namespace

Linker::Linker(const Playbook& playbook, const Inventory* inventory, bool inventory_is_sound,
               Problems& problems)
    : playbook_(playbook),
      inventory_(inventory),
      inventory_is_sound_(inventory_is_sound),
      problems_(problems),
      index_by_id_(StepNames::IndexOf(playbook)) {
  for (const PlaybookPhase& phase : playbook.phases) {
    for (const PlaybookStep& step : phase.steps) steps_.push_back(&step);
  }
}

Plan Linker::Link() {
  Plan plan;
  plan.name = playbook_.name;
  plan.description = playbook_.description;
  plan.window = playbook_.window;
  if (playbook_.author.has_value()) plan.author = playbook_.author->text;
  if (inventory_ != nullptr) {
    plan.hosts = PlanHosts(*inventory_);
    plan.shards = PlanShards(*inventory_);
    for (const InventoryPerson& person : inventory_->people) {
      plan.people.push_back({person.name.text, person.roles, person.key});
    }
  }
  StepOrder order(playbook_, problems_);
  std::set<std::string> phase_names;
  for (const PlaybookPhase& phase : playbook_.phases) {
    const std::string name = phase.name.has_value() ? phase.name->text : "";
    if (phase.name.has_value() && !phase_names.insert(name).second) {
      problems_.Add(phase.name->place, absl::StrCat("duplicate phase '", name, "': rename one"));
    }
    order.BeginPhase();
    for (const PlaybookStep& step : phase.steps) {
      std::vector<uint32_t> needs = order.Add(step);
      ended_.Add(needs);
      plan.steps.push_back(LinkStep(step));
      plan.steps.back().phase = name;
      plan.steps.back().before_window = phase.before_window;
      plan.steps.back().needs = std::move(needs);
      const auto index = static_cast<uint32_t>(plan.steps.size() - 1);
      for (const PlaybookGuardrail& written : step.guardrails)
        LinkGuardrail(written, {index}, plan);
    }
  }
  for (const PlaybookGuardrail& written : playbook_.guardrails) {
    LinkGuardrail(written, StepsOf(written), plan);
  }
  LinkCapacity(plan);
  CheckNoReturn(steps_, ended_, problems_);
  CheckWindow(playbook_, problems_);
  if (problems_.empty()) CheckGiven(playbook_, problems_);  // Else it may not have been read.
  if (inventory_ != nullptr && inventory_is_sound_) {
    CheckPeople(playbook_, *inventory_, steps_, problems_);
  }
  return plan;
}

PlannedStep Linker::LinkStep(const PlaybookStep& step) {
  PlannedStep planned;
  planned.id = step.id.has_value() ? step.id->text : "";
  planned.name = step.name;
  planned.on_failure = ToOnFailure(step.on_failure);
  planned.expected_duration = step.expected_duration;
  if (step.is_gate) {
    LinkGate(step, planned);
  } else {
    LinkAction(step, planned);
  }
  return planned;
}

void Linker::LinkGate(const PlaybookStep& step, PlannedStep& planned) {
  planned.gate.emplace();
  if (step.approval.has_value()) {
    for (const Located& role : step.approval->roles) planned.gate->roles.push_back(role.text);
    planned.gate->quorum = step.approval->quorum;
    planned.gate->timeout = step.approval->timeout;
  }
  const auto index = static_cast<uint32_t>(ended_.size() - 1);
  const StepNames names(step, index, steps_, index_by_id_, ended_);
  if (step.when.has_value()) {
    planned.when = CompileExpression(*step.when, ExpressionUse::kWhen, names, problems_);
  }
}

void Linker::LinkAction(const PlaybookStep& step, PlannedStep& planned) {
  const auto index = static_cast<uint32_t>(ended_.size() - 1);
  const StepNames names(step, index, steps_, index_by_id_, ended_);
  planned.retries = step.retries;
  planned.delay = step.delay;
  planned.max_fail_percentage = step.max_fail_percentage;
  planned.point_of_no_return = step.point_of_no_return;
  planned.takes_out = step.takes_out;
  planned.apply = LinkCall(step.apply, &names);
  planned.waves = WavesOf(step.serial, static_cast<uint32_t>(planned.apply.hosts.size()));
  if (step.when.has_value()) {
    planned.when = CompileExpression(*step.when, ExpressionUse::kWhen, names, problems_);
  }
  if (step.until.has_value()) {
    planned.until = CompileExpression(*step.until, ExpressionUse::kUntil, names, problems_);
  }
  LinkWayBack(step, planned);
}

void Linker::LinkWayBack(const PlaybookStep& step, PlannedStep& planned) {
  const ActionInfo* action =
      step.apply.action.has_value() ? FindAction(step.apply.action->text) : nullptr;
  if (step.rollback.has_value()) {
    for (const ActionCall& call : *step.rollback) {
      planned.rollback.push_back(LinkCall(call, nullptr));
    }
    return;
  }
  if (action == nullptr || !action->options->mutates() || step.point_of_no_return) return;
  planned.own_undo = !action->options->undo().empty();
  if (planned.own_undo) return;
  problems_.Add(
      step.place,
      absl::StrCat("step '", planned.id, "' has no 'rollback', and ", action->options->name(),
                   " has no undo of its own: write the way back, or 'rollback: []' "
                   "when there is nothing to do"));
}

// `names`: what outputs in `with` may name; nullptr: none, on the way back.
PlannedAction Linker::LinkCall(const ActionCall& call, const ExpressionNames* names) {
  PlannedAction planned;
  const std::vector<uint32_t> hosts = ResolveHosts(call);
  planned.hosts = hosts;
  if (!call.action.has_value()) return planned;
  planned.action = call.action->text;
  const ActionInfo* action = FindAction(planned.action);
  if (action == nullptr) {
    problems_.Add(call.action->place, absl::StrCat("unknown action ", Quoted(planned.action),
                                                   Suggest(planned.action, ActionNames())));
    return planned;
  }
  planned.mutates = action->options->mutates();
  planned.takes_host_facts = action->options->takes_host_facts();
  planned.timeout = call.timeout.value_or(absl::Milliseconds(action->options->timeout_ms()));
  static const auto& no_sites = *new std::vector<std::string>;
  std::optional<Value> with = call.with;
  if (with.has_value()) planned.bindings = LinkOutputs(*action, names, *with);
  const ReadActionResult read =
      ReadAction(*action, with.has_value() ? &*with : nullptr, call.place,
                 inventory_ == nullptr ? no_sites : inventory_->sites, problems_);
  planned.message.PackFrom(*read.message);
  const bool right_kind = CheckHostKinds(call, *action->options, hosts);
  if (!right_kind || !inventory_is_sound_) return planned;
  for (const Located& site : read.sites) CheckNodesOnSite(site, *action->options, hosts);
  return planned;
}

// Takes the fields that hold outputs of steps out of `with`.
std::vector<Binding> Linker::LinkOutputs(const ActionInfo& action, const ExpressionNames* names,
                                         Value& with) {
  for (size_t i = 0; i < with.keys.size(); ++i) {
    Value& value = with.values[i];
    if (value.reported || !absl::StrContains(value.text, "${")) continue;
    const std::string fixed = WhyFixed(action, with.keys[i].text);
    if (names != nullptr && fixed.empty()) continue;
    problems_.Add(value.place,
                  !fixed.empty()
                      ? absl::StrCat("'", with.keys[i].text, "' ", fixed)
                      : std::string("outputs of steps are for a step's own 'with', not for its way "
                                    "back or a guardrail: write the value"));
    value.reported = true;
  }
  if (names == nullptr) return {};
  return TakeBindings(with, *names, problems_);
}

std::vector<uint32_t> Linker::ResolveHosts(const ActionCall& call) {
  return call.hosts.has_value() ? ResolveHosts(*call.hosts) : std::vector<uint32_t>{};
}

std::vector<uint32_t> Linker::ResolveHosts(const std::vector<Located>& names) {
  if (inventory_ == nullptr) return {};
  std::set<uint32_t> hosts;
  for (const Located& name : names) {
    const auto group = inventory_->groups.find(name.text);
    if (group == inventory_->groups.end()) {
      problems_.Add(name.place, absl::StrCat("unknown host or group ", Quoted(name.text),
                                             Suggest(name.text, inventory_->Names())));
      continue;
    }
    hosts.insert(group->second.begin(), group->second.end());
  }
  return {hosts.begin(), hosts.end()};
}

bool Linker::CheckHostKinds(const ActionCall& call,
                            const hamisha::action::v1::ActionOptions& action,
                            const std::vector<uint32_t>& hosts) {
  for (const uint32_t index : hosts) {
    const InventoryHost& host = inventory_->hosts[index];
    if (host.kind.empty() || host.kind == action.host_kind()) continue;
    problems_.Add(call.hosts->front().place,
                  absl::StrCat(action.name(), " runs on ", action.host_kind(), " hosts, and '",
                               host.name.text, "' is a ", host.kind, ": name other hosts"));
    return false;
  }
  return true;
}

// An action that names a site means the shard's node there: it must exist, and be another one.
void Linker::CheckNodesOnSite(const Located& site, const hamisha::action::v1::ActionOptions& action,
                              const std::vector<uint32_t>& hosts) {
  if (action.host_kind() == "gateway") {
    for (uint32_t shard = 0; shard < inventory_->shard_count; ++shard) {
      if (inventory_->FindNode(shard, site.text) == nullptr) return RefuseSite(site, shard);
    }
    return;
  }
  for (const uint32_t index : hosts) {
    const InventoryHost& host = inventory_->hosts[index];
    if (!host.shard.has_value()) continue;
    const InventoryHost* node = inventory_->FindNode(*host.shard, site.text);
    if (node == nullptr) return RefuseSite(site, *host.shard);
    if (node == &host) {
      problems_.Add(site.place, absl::StrCat("host '", host.name.text, "' is on site '", site.text,
                                             "' itself: name the other site, or other hosts"));
      return;
    }
  }
}

void Linker::RefuseSite(const Located& site, uint32_t shard) {
  problems_.Add(site.place, absl::StrCat("shard ", shard, " has no node on site '", site.text,
                                         "': add its host to the inventory, or name another site"));
}

}  // namespace orchestrator
