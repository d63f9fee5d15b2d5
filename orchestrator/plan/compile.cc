#include "orchestrator/plan/compile.h"

#include <utility>

#include "orchestrator/plan/linker.h"
#include "orchestrator/playbook/inventory.h"
#include "orchestrator/playbook/playbook.h"

namespace orchestrator {

Compilation Compile(const SourceText& playbook, const SourceText& inventory) {
  Problems playbook_problems(playbook.path);
  Problems inventory_problems(inventory.path);
  std::optional<Inventory> read_inventory;
  if (const std::optional<Value> root = ReadDocument(inventory.yaml, inventory_problems)) {
    read_inventory = ReadInventory(*root, inventory_problems);
  }
  Compilation compilation;
  if (const std::optional<Value> root = ReadDocument(playbook.yaml, playbook_problems)) {
    const Playbook read = ReadPlaybook(*root, playbook.includes, playbook_problems);
    const bool hosts_known = read_inventory.has_value() && !read_inventory->hosts.empty();
    compilation.plan = Linker(read, hosts_known ? &*read_inventory : nullptr,
                              inventory_problems.empty(), playbook_problems)
                           .Link();
  }
  compilation.plan.digest = PlanDigest(playbook.yaml, inventory.yaml, playbook.includes);
  compilation.diagnostics = playbook_problems.InOrder();
  for (Diagnostic& diagnostic : inventory_problems.InOrder()) {
    compilation.diagnostics.push_back(std::move(diagnostic));
  }
  return compilation;
}

}  // namespace orchestrator
