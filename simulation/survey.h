#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "orchestrator/plan/plan.h"
#include "simulation/world.h"

namespace simulation {

// What many worlds of one plan had in common.
class Survey {
 public:
  struct Ending {
    uint64_t count = 0;
    uint64_t seed = 0;  // The lowest that ended so.
  };

  explicit Survey(const orchestrator::Plan& plan);

  void Add(uint64_t seed, const WorldResult& result);
  void Merge(const Survey& other);

  uint64_t worlds() const { return worlds_; }
  uint64_t events() const { return events_; }
  // How runs ended, and where they turned round: "rolled back: step 'seal' (ledger.seal) failed".
  const std::map<std::string, Ending>& endings() const { return endings_; }
  // Promises that did not hold.
  const std::map<std::string, Ending>& broken() const { return broken_; }
  std::optional<uint64_t> first_broken() const { return first_broken_; }

  // Runs that had ended, in whatever way, when the window ended; nothing without a window.
  std::optional<uint64_t> window_held() const;
  // Of all runs' lengths; zero without any. `share` from 0 to 1.
  absl::Duration Length(double share) const;
  absl::Duration LongestWait(double share) const;

 private:
  static void Count(std::map<std::string, Ending>& endings, const std::string& what, uint64_t count,
                    uint64_t seed);

  std::optional<absl::Duration> window_;
  uint64_t worlds_ = 0;
  uint64_t events_ = 0;
  uint64_t window_held_ = 0;
  std::map<std::string, Ending> endings_;
  std::map<std::string, Ending> broken_;
  std::optional<uint64_t> first_broken_;
  mutable std::vector<absl::Duration> lengths_;
  mutable std::vector<absl::Duration> waits_;
};

}  // namespace simulation
