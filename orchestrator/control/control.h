#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/command_runner.h"
#include "base/file_system.h"
#include "hamisha/orchestrator/v1/orchestrator.pb.h"
#include "orchestrator/approval/ssh_keygen.h"
#include "orchestrator/control/forecast_keeper.h"
#include "orchestrator/control/run_store.h"
#include "orchestrator/coverage/coverage.h"
#include "orchestrator/engine/run_clock.h"
#include "orchestrator/fleet/fleet.h"

namespace orchestrator {

struct ControlOptions {
  std::string state_dir;  // Used by one process at a time: that is the caller's to hold.
  std::string version;    // Of this program, for profiles.
  base::FileSystem* files = &base::SystemFileSystem();
  base::CommandRunner* commands = &base::SystemCommandRunner();
  const base::Clock* clock = &base::SystemClock();
  Compiler compile = Compile;
  // The journal cannot be written: nothing more will be ordered, and the process should stop.
  // Called once, from the control thread.
  std::function<void(const absl::Status&)> fatal = [](const absl::Status&) {};
  // What an operator of the process may want to read. Any thread.
  std::function<void(const std::string&)> log = [](const std::string&) {};
};

// The shell around the engine: one thread takes events in order, gives them to the engine, makes
// them and the orders they cause durable with one sync, and only then sends. Events that wait
// together share the sync. Public methods are safe for any thread.
class Control final : private FleetHandler {
 public:
  // Takes the next term, reads the newest run back and, where it has not ended, goes on with it:
  // its open orders are sent to each agent that connects. DATA_LOSS when its journal is damaged.
  static absl::StatusOr<std::unique_ptr<Control>> Open(ControlOptions options);
  // The server that has agents() must have been shut down.
  ~Control() override;
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  // AgentLink; serve it.
  grpc::Service& agents() { return fleet_.service(); }

  // Compiles, journals and starts; the id of the run. Errors as in orchestrator.proto.
  absl::StatusOr<std::string> Submit(const hamisha::orchestrator::v1::SubmitRunRequest& request);
  // "" is the newest. NOT_FOUND without such a run.
  absl::StatusOr<hamisha::orchestrator::v1::RunView> Get(const std::string& run);
  // What a person decided, as orchestrator.proto has it. Signatures are checked on the caller's
  // thread. What is refused is journaled, too.
  absl::StatusOr<hamisha::orchestrator::v1::RunView> Act(
      const hamisha::orchestrator::v1::ActRequest& request);
  hamisha::orchestrator::v1::ListAgentsResponse Agents() const;
  // What rehearsals of a playbook have tried, added up; of the newest run's when the request names
  // neither a playbook nor runs. NOT_FOUND for a run that there is not.
  absl::StatusOr<hamisha::orchestrator::v1::CoverageView> GetCoverage(
      const hamisha::orchestrator::v1::CoverageRequest& request);

  // What a run left; "" is the newest. NOT_FOUND while it goes on.
  absl::StatusOr<Profile> GetProfile(const std::string& run);
  // Keeps another orchestrator's. INVALID_ARGUMENT when it is none; `path` is for messages.
  absl::StatusOr<Profile> ImportProfile(const std::string& path, const std::string& json);
  absl::StatusOr<std::vector<Profile>> Profiles(const std::string& playbook_digest) const;

  // Returns when something of the newest run has changed since `seen` (what this returned before; 0
  // at first), but not before `pause` has passed, or after `wait`, or when stopped.
  uint64_t WaitForChange(uint64_t seen, absl::Duration pause, absl::Duration wait);
  bool stopped() const;

  // What is under way is finished and durable; then no event is taken any more, and all streams of
  // agents end. The run is not ended: another process goes on with it.
  void Stop();

 private:
  using Task = std::function<void()>;

  Control(ControlOptions options, uint64_t term);
  absl::Status Resume();

  // From agents, on gRPC's threads.
  void OnConnected(const std::string& host) override;
  void OnDisconnected(const std::string& host) override;
  void OnResult(hamisha::agent::v1::OrderResult result) override;
  void OnProgress(hamisha::agent::v1::OrderProgress progress) override;

  void Post(Task task);
  // Runs the task on the control thread, commits, and returns. UNAVAILABLE when that has stopped.
  absl::Status Call(const std::function<absl::Status()>& task);

  // On the control thread.
  void Loop();
  std::deque<Task> NextTasks();
  absl::Time Now() const;
  absl::Status Apply(decltype(Event::what) what);
  absl::Status StartRun(RunCreated& created, std::shared_ptr<const Plan> plan);
  // control_admission.cc: which runs may start, and what comes beside the newest.
  absl::Status CheckMayStart(const RunCreated& created, const Plan& plan,
                             const Coverage& tried) const;
  void GoBackWhenAsked();
  void EndPreflight();
  absl::Status GiveUpPreflight();
  void TakeResult(const hamisha::agent::v1::OrderResult& result);
  void TickWhenDue();
  absl::Status TakeAct(const hamisha::orchestrator::v1::PersonAct& act, const Question& question,
                       const absl::Status& checked);
  absl::Status MakeNewest(const std::string& run);
  absl::Status Flush();

  // control_forecast.cc, on the control thread but for CheckFits().
  absl::Status CheckFits(const std::shared_ptr<const Plan>& plan, const RunCreated& created) const;
  void BeginForecasts();
  void LookAhead();
  void OnForecast();
  absl::Time AbortTime() const;  // From which on the run goes back by itself.
  void LeaveProfile();
  RunSnapshot SnapshotNow();  // Of the newest run.

  void SendAfterCommit();
  void Fail(const absl::Status& status);

  const ControlOptions options_;
  const uint64_t term_;
  RunClock clock_;  // Resume() sets it; the control thread's then.
  RunStore store_;
  const SshKeygen ssh_keygen_;
  Fleet fleet_;

  // The control thread's own.
  std::unique_ptr<LiveRun> run_;                           // The newest; null before the first.
  std::unique_ptr<LiveRun> before_preflight_;              // While `run_` is a preflight.
  std::vector<hamisha::agent::v1::OrderKey> acknowledge_;  // After the commit.
  std::set<std::string> connected_;                        // Wait for their open orders.
  std::vector<Task> after_commit_;
  bool changed_ = false;
  absl::Duration silence_check_at_ = absl::ZeroDuration();  // Monotonic. Asks every stream.
  ForecastKeeper forecasts_;
  Prospect prospect_ = Prospect::kInTime;  // The newest that was logged.
  std::string forecast_phase_;             // The newest that has its forecast in the journal.
  bool profile_left_ = true;

  mutable absl::Mutex mutex_;
  std::deque<Task> tasks_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t version_ ABSL_GUARDED_BY(mutex_) = 1;

  std::thread thread_;  // Last: uses all of the above.
};

}  // namespace orchestrator
