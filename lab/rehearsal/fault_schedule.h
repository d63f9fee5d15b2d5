#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "hamisha/orchestrator/v1/orchestrator.pb.h"
#include "lab/platform/lab_file.h"

namespace lab {

struct FaultEffect {
  enum class Kind { kFlip, kCut, kHeal, kSlow, kRestore, kKill, kStart };
  size_t fault = 0;  // In the lab file.
  Kind kind = Kind::kFlip;
  FlipStateBit flip = {};
  std::string process = "";
  LinkOptions link = {};
};

// When the faults of a lab file happen. Pure: the caller brings the effects about and says when
// one was accepted; until then it is given again. Not thread-safe.
class FaultSchedule {
 public:
  explicit FaultSchedule(const std::vector<Fault>& faults);

  // What is due by the state of the run at `now` (monotonic).
  std::vector<FaultEffect> Due(const hamisha::orchestrator::v1::RunView& run, absl::Duration now);
  void Done(const FaultEffect& effect, absl::Duration now);

  // Once the run has ended: what is over with it (a link cut or slow for ever), and nothing new
  // begins.
  std::vector<FaultEffect> RunEnded();

  // A fault's moment has come, and its wait goes on.
  bool Waiting(absl::Duration now) const;
  // Something that was done is still to be undone.
  bool Pending() const;
  // Lab file order, in words: "seal: cut the link for 5s".
  std::vector<std::string> Injected() const;
  std::vector<std::string> NeverInjected() const;

 private:
  enum class State { kArmed, kTriggered, kBegun, kOver };
  struct Entry {
    Fault fault;
    State state = State::kArmed;
    bool injected = false;
    absl::Duration begin_at = absl::ZeroDuration();
    absl::Duration follow_up_at = absl::InfiniteDuration();
  };

  static FaultEffect Begin(size_t index, const Fault& fault);
  static FaultEffect FollowUp(size_t index, const Fault& fault);
  static absl::Duration FollowUpAfter(const Fault& fault);

  std::vector<Entry> entries_;
};

}  // namespace lab
