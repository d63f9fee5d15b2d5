#include "orchestrator/plan/compile.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "orchestrator/plan/step_order.h"
#include "orchestrator/playbook/actions.h"
#include "orchestrator/playbook/inventory.h"
#include "orchestrator/playbook/playbook.h"
#include "orchestrator/playbook/suggest.h"

namespace orchestrator {
namespace {

constexpr size_t kStepsMax = 10'000;

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
  if (text == "rollback") return OnFailure::kRollback;
  return text == "continue" ? OnFailure::kContinue : OnFailure::kStop;
}

// Links a playbook with the inventory. Without an inventory (it could not be read at all) what the
// playbook says about hosts and sites is not checked; with one that has problems, not what follows
// from it.
class Linker {
 public:
  Linker(const Inventory* inventory, bool inventory_is_sound, Problems& problems)
      : inventory_(inventory), inventory_is_sound_(inventory_is_sound), problems_(problems) {}

  Plan Link(const Playbook& playbook) {
    Plan plan;
    plan.name = playbook.name;
    plan.description = playbook.description;
    plan.window = playbook.window;
    if (inventory_ != nullptr) {
      plan.hosts = PlanHosts(*inventory_);
      plan.shards = PlanShards(*inventory_);
    }
    StepOrder order(playbook, problems_);
    std::set<std::string> phase_names;
    for (const PlaybookPhase& phase : playbook.phases) {
      const std::string name = phase.name.has_value() ? phase.name->text : "";
      if (phase.name.has_value() && !phase_names.insert(name).second) {
        problems_.Add(phase.name->place, absl::StrCat("duplicate phase '", name, "': rename one"));
      }
      order.BeginPhase();
      for (const PlaybookStep& step : phase.steps) {
        plan.steps.push_back(LinkStep(step));
        plan.steps.back().phase = name;
        plan.steps.back().needs = order.Add(step);
      }
    }
    if (plan.steps.size() > kStepsMax) {
      problems_.Add({}, absl::StrCat("the playbook has ", plan.steps.size(),
                                     " steps: write at most ", kStepsMax));
    }
    return plan;
  }

 private:
  PlannedStep LinkStep(const PlaybookStep& step) {
    PlannedStep planned;
    planned.id = step.id.has_value() ? step.id->text : "";
    planned.name = step.name;
    planned.on_failure = ToOnFailure(step.on_failure);
    planned.retries = step.retries;
    planned.delay = step.delay;
    planned.expected_duration = step.expected_duration;
    planned.apply = LinkCall(step.apply);
    const ActionInfo* action =
        step.apply.action.has_value() ? FindAction(step.apply.action->text) : nullptr;
    if (step.rollback.has_value()) {
      for (const ActionCall& call : *step.rollback) planned.rollback.push_back(LinkCall(call));
    } else if (action != nullptr && action->options->mutates()) {
      planned.own_undo = !action->options->undo().empty();
      if (!planned.own_undo) {
        problems_.Add(
            step.place,
            absl::StrCat("step '", planned.id, "' has no 'rollback', and ", action->options->name(),
                         " has no undo of its own: write the way back, or 'rollback: []' "
                         "when there is nothing to do"));
      }
    }
    return planned;
  }

  PlannedAction LinkCall(const ActionCall& call) {
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
    const ReadActionResult read =
        ReadAction(*action, call.with.has_value() ? &*call.with : nullptr, call.place,
                   inventory_ == nullptr ? no_sites : inventory_->sites, problems_);
    planned.message.PackFrom(*read.message);
    const bool right_kind = CheckHostKinds(call, *action->options, hosts);
    if (!right_kind || !inventory_is_sound_) return planned;
    for (const Located& site : read.sites) CheckNodesOnSite(site, *action->options, hosts);
    return planned;
  }

  std::vector<uint32_t> ResolveHosts(const ActionCall& call) {
    if (inventory_ == nullptr || !call.hosts.has_value()) return {};
    std::set<uint32_t> hosts;
    for (const Located& name : *call.hosts) {
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

  bool CheckHostKinds(const ActionCall& call, const hamisha::action::v1::ActionOptions& action,
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
  void CheckNodesOnSite(const Located& site, const hamisha::action::v1::ActionOptions& action,
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
        problems_.Add(site.place,
                      absl::StrCat("host '", host.name.text, "' is on site '", site.text,
                                   "' itself: name the other site, or other hosts"));
        return;
      }
    }
  }

  void RefuseSite(const Located& site, uint32_t shard) {
    problems_.Add(site.place,
                  absl::StrCat("shard ", shard, " has no node on site '", site.text,
                               "': add its host to the inventory, or name another site"));
  }

  const Inventory* inventory_;
  bool inventory_is_sound_;
  Problems& problems_;
};

}  // namespace

Compilation Compile(const SourceText& playbook, const SourceText& inventory) {
  Problems playbook_problems(playbook.path);
  Problems inventory_problems(inventory.path);
  std::optional<Inventory> read_inventory;
  if (const std::optional<Value> root = ReadDocument(inventory.yaml, inventory_problems)) {
    read_inventory = ReadInventory(*root, inventory_problems);
  }
  Compilation compilation;
  if (const std::optional<Value> root = ReadDocument(playbook.yaml, playbook_problems)) {
    const Playbook read = ReadPlaybook(*root, playbook_problems);
    const bool hosts_known = read_inventory.has_value() && !read_inventory->hosts.empty();
    compilation.plan = Linker(hosts_known ? &*read_inventory : nullptr, inventory_problems.empty(),
                              playbook_problems)
                           .Link(read);
  }
  compilation.plan.digest = PlanDigest(playbook.yaml, inventory.yaml);
  compilation.diagnostics = playbook_problems.InOrder();
  for (Diagnostic& diagnostic : inventory_problems.InOrder()) {
    compilation.diagnostics.push_back(std::move(diagnostic));
  }
  return compilation;
}

}  // namespace orchestrator
