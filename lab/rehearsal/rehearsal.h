#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/interrupt.h"
#include "lab/platform/control_service.h"
#include "lab/platform/platform.h"
#include "lab/rehearsal/fault_schedule.h"
#include "lab/rehearsal/progress.h"
#include "lab/rehearsal/run_follower.h"
#include "lab/rehearsal/summary.h"
#include "orchestrator/playbook/source.h"
#include "rpc/rpc.h"

namespace lab {

struct RehearsalOptions {
  std::string playbook_path;
  std::string playbook_yaml;
  std::vector<orchestrator::SourceText> includes;  // All that the playbook includes.
  LabFile lab;
  std::string directory;                   // Absolute.
  std::string programs;                    // Folder of our programs.
  std::vector<std::string> profiles = {};  // JSON of earlier runs, for the forecasts of this one.
  // Goes back, as often as it takes to try every undo of the playbook: each run is taken back after
  // the last step whose undo none has proved, until all are, or none more can be.
  bool way_back = false;
};

// A platform, its load, one run of a playbook under faults, and the proof afterwards. All calls on
// one thread.
class Rehearsal {
 public:
  // Everything must outlive the rehearsal.
  Rehearsal(RehearsalOptions options, Display& display, const base::Interrupt& interrupt,
            const base::Clock& clock);
  ~Rehearsal();

  // CANCELLED when it was interrupted. An error means that the rehearsal itself did not work; how
  // the run ended is in the result.
  absl::StatusOr<RehearsalResult> Run();

 private:
  absl::Status BringUp();
  absl::Status StartLoad();
  absl::Status ImportProfiles();
  // "" when the orchestrator has none.
  std::string KeepProfile(const RehearsalResult& result);
  // Runs the playbook once; "" goes to its end, or where its failures lead it.
  absl::StatusOr<hamisha::orchestrator::v1::RunView> RunOnce(const std::string& go_back_after);
  absl::StatusOr<hamisha::orchestrator::v1::RunView> RunWayBack(RehearsalResult& result);
  absl::StatusOr<hamisha::orchestrator::v1::CoverageView> AskCoverage();
  absl::StatusOr<std::string> Submit(const std::string& go_back_after);
  absl::Status Follow(RunFollower& follower);
  // Answers for the lab's people what the run asks.
  absl::Status Answer(const hamisha::orchestrator::v1::RunView& run);
  absl::StatusOr<hamisha::orchestrator::v1::RunView> Act(
      const std::string& run, const hamisha::orchestrator::v1::PersonAct& act);
  absl::Status GoBackAgain(RunFollower& follower);
  void Show(const hamisha::orchestrator::v1::RunView& run);
  void InjectDue(const hamisha::orchestrator::v1::RunView& run);
  absl::Status Inject(const FaultEffect& effect);
  absl::Status FinishFaults();
  absl::Status EndLoad();
  absl::StatusOr<CheckResult> Check();
  // What all nodes say, once followers have what their owners have, or after a while.
  std::vector<hamisha::ledger::v1::NodeStatus> FinalStatuses(
      const hamisha::orchestrator::v1::RunView& run);
  absl::Status Wait(absl::Duration length);
  std::string LoadLine();

  const RehearsalOptions options_;
  Display& display_;
  const base::Interrupt& interrupt_;
  const base::Clock& clock_;
  std::unique_ptr<Platform> platform_;
  std::unique_ptr<ControlService> control_;
  rpc::RunningServer control_server_;
  std::unique_ptr<NodeMonitor> monitor_;
  FaultSchedule faults_;
  RunNarrator narrator_;
  ForecastNarrator forecasts_;
  std::string load_line_;
  uint64_t load_log_offset_ = 0;
  uint64_t answered_at_ = 0;  // Entries of the journal with the newest answer.
};

}  // namespace lab
