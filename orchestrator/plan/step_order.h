#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "orchestrator/playbook/playbook.h"

namespace orchestrator {

// Turns what playbooks say about order (compile.h) into edges. Steps are added in file order.
class StepOrder {
 public:
  // Ids are reserved for all steps of the file, so that a need of a later one is recognised. Keeps
  // references to its arguments.
  StepOrder(const Playbook& playbook, Problems& problems);

  void BeginPhase();
  // The needs of the next step, ascending.
  std::vector<uint32_t> Add(const PlaybookStep& step);

 private:
  // A phase, or an included file within it: what stands beside each other.
  struct Block {
    int32_t include;              // Index into Playbook::includes; -1: the phase.
    std::vector<uint32_t> entry;  // What its first steps need.
    std::vector<uint32_t> ends;   // Its steps that no other of it needs so far.
    uint32_t begin;               // Its first step.
  };
  // Who says `needs`: a step or an include.
  struct Asker {
    const std::vector<Located>& needs;
    const std::string& scope;
    std::string id;  // Without its scope.
  };

  void EnterBlocksOf(const PlaybookStep& step);
  void EnterInclude(int32_t include);
  void LeaveBlock();
  std::vector<uint32_t> NeedsIn(const std::vector<uint32_t>* said);
  std::vector<uint32_t> Explicit(const Asker& asker);
  void AddNeed(const Located& need, const Asker& asker, std::vector<uint32_t>& needs);
  std::vector<std::string> IdsOf(const std::string& scope) const;

  const Playbook& playbook_;
  Problems& problems_;
  std::map<std::string, uint32_t> index_by_id_;                   // Of all steps of the file.
  std::map<std::string, std::vector<uint32_t>> ends_by_include_;  // Of those that have ended.
  std::set<std::string> include_ids_;
  std::vector<Block> blocks_;  // Around the next step, outermost first.
  uint32_t next_ = 0;
  size_t edges_ = 0;
};

}  // namespace orchestrator
