#pragma once

#include <map>
#include <string>
#include <vector>

#include "hamisha/action/v1/options.pb.h"
#include "orchestrator/plan/plan.h"
#include "orchestrator/plan/step_names.h"
#include "orchestrator/playbook/actions.h"
#include "orchestrator/playbook/inventory.h"
#include "orchestrator/playbook/playbook.h"

namespace orchestrator {

// Links a playbook with the inventory. Without an inventory (it could not be read at all) what the
// playbook says about hosts, sites and people is not checked; with one that has problems, not what
// follows from it. Keeps references to its arguments.
class Linker {
 public:
  Linker(const Playbook& playbook, const Inventory* inventory, bool inventory_is_sound,
         Problems& problems);

  Plan Link();

 private:
  PlannedStep LinkStep(const PlaybookStep& step);
  void LinkGate(const PlaybookStep& step, PlannedStep& planned);
  void LinkAction(const PlaybookStep& step, PlannedStep& planned);
  void LinkWayBack(const PlaybookStep& step, PlannedStep& planned);
  PlannedAction LinkCall(const ActionCall& call, const ExpressionNames* names);
  std::vector<Binding> LinkOutputs(const ActionInfo& action, const ExpressionNames* names,
                                   Value& with);
  void LinkGuardrail(const PlaybookGuardrail& written, std::vector<uint32_t> steps, Plan& plan);
  std::vector<uint32_t> StepsOf(const PlaybookGuardrail& written);
  void LinkCapacity(Plan& plan);
  std::vector<uint32_t> ResolveHosts(const ActionCall& call);
  std::vector<uint32_t> ResolveHosts(const std::vector<Located>& names);
  bool CheckHostKinds(const ActionCall& call, const hamisha::action::v1::ActionOptions& action,
                      const std::vector<uint32_t>& hosts);
  void CheckNodesOnSite(const Located& site, const hamisha::action::v1::ActionOptions& action,
                        const std::vector<uint32_t>& hosts);
  void RefuseSite(const Located& site, uint32_t shard);

  const Playbook& playbook_;
  const Inventory* inventory_;
  const bool inventory_is_sound_;
  Problems& problems_;
  std::vector<const PlaybookStep*> steps_;  // All, in order.
  const std::map<std::string, uint32_t> index_by_id_;
  EndedBefore ended_;
};

}  // namespace orchestrator
