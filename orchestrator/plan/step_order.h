#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "orchestrator/playbook/playbook.h"

namespace orchestrator {

// Turns what playbooks say about order (compile.h) into edges. Steps are added in file order.
class StepOrder {
 public:
  // Ids are reserved for all steps of the file, so that a need of a later one is recognised.
  StepOrder(const Playbook& playbook, Problems& problems);

  void BeginPhase();
  // The needs of the next step, ascending.
  std::vector<uint32_t> Add(const PlaybookStep& step);

 private:
  std::vector<uint32_t> Explicit(const PlaybookStep& step);

  Problems& problems_;
  std::map<std::string, uint32_t> index_by_id_;  // Of all steps of the file.
  std::vector<std::string> ids_;
  std::vector<uint32_t> barrier_;  // The last steps of the phase before.
  std::vector<uint32_t> ends_;     // Of this phase: those that no other step needs so far.
  uint32_t phase_begin_ = 0;
  uint32_t next_ = 0;
  size_t edges_ = 0;
};

}  // namespace orchestrator
