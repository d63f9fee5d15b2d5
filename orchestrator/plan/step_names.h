#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/plan/expression.h"
#include "orchestrator/playbook/playbook.h"

namespace orchestrator {

// Which steps have certainly ended before another begins: those that it needs, and theirs.
class EndedBefore {
 public:
  // The next step of the plan.
  void Add(const std::vector<uint32_t>& needs);
  size_t size() const { return bits_.size(); }
  bool Contains(uint32_t step, uint32_t earlier) const;
  // The first step before `step` that may still run when it begins; nullopt without one.
  std::optional<uint32_t> FirstMissing(uint32_t step) const;

 private:
  std::vector<std::vector<uint64_t>> bits_;  // By step; one bit for each step before it.
};

// What names mean in the expressions of one step: its file's variables, and steps of its file that
// have ended when it begins.
class StepNames final : public ExpressionNames {
 public:
  // Steps of the whole playbook, by id.
  static std::map<std::string, uint32_t> IndexOf(const Playbook& playbook);

  // `index`: the step's own. Keeps references to its arguments.
  StepNames(const PlaybookStep& step, uint32_t index, const std::vector<const PlaybookStep*>& all,
            const std::map<std::string, uint32_t>& index_by_id, const EndedBefore& ended)
      : step_(step), index_(index), all_(all), index_by_id_(index_by_id), ended_(ended) {}

  absl::StatusOr<std::string> Variable(const std::string& name) const override;
  absl::StatusOr<uint32_t> Step(const std::string& id, bool for_facts) const override;
  bool IsStep(const std::string& id) const override;

 private:
  std::vector<std::string> IdsOfFile() const;

  const PlaybookStep& step_;
  const uint32_t index_;
  const std::vector<const PlaybookStep*>& all_;
  const std::map<std::string, uint32_t>& index_by_id_;
  const EndedBefore& ended_;
};

}  // namespace orchestrator
