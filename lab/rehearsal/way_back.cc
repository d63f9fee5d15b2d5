// Rehearsal: one run, and as many as it takes to try every undo.
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/file_system.h"
#include "base/status_macros.h"
#include "hamisha/orchestrator/v1/orchestrator.grpc.pb.h"
#include "lab/rehearsal/rehearsal.h"
#include "orchestrator/coverage/coverage.h"
#include "orchestrator/plan/compile.h"

namespace lab {

namespace api = hamisha::orchestrator::v1;

namespace {

constexpr absl::Duration kCallMax = absl::Seconds(10);

}  // namespace

absl::StatusOr<api::RunView> Rehearsal::RunOnce(const std::string& go_back_after) {
  ASSIGN_OR_RETURN(const std::string run, Submit(go_back_after));
  answered_at_ = 0;
  RunFollower follower(platform_->orchestrator(), run, clock_);
  RETURN_IF_ERROR(Follow(follower));
  RETURN_IF_ERROR(FinishFaults());
  RETURN_IF_ERROR(GoBackAgain(follower));
  return follower.View();
}

absl::StatusOr<api::RunView> Rehearsal::RunWayBack(RehearsalResult& result) {
  ASSIGN_OR_RETURN(const std::string inventory,
                   base::SystemFileSystem().Read(platform_->inventory_path()));
  const orchestrator::Plan plan =
      orchestrator::Compile({options_.playbook_path, options_.playbook_yaml, options_.includes},
                            {platform_->inventory_path(), inventory})
          .plan;
  api::RunView last;
  orchestrator::Coverage tried;
  std::vector<std::string> left = orchestrator::StepsToProve(plan, tried);
  if (left.empty()) {  // Nothing of it can be undone.
    ASSIGN_OR_RETURN(last, RunOnce(""));
    ASSIGN_OR_RETURN(result.coverage, AskCoverage());
  }
  while (!left.empty()) {
    const std::string step = left.back();
    display_.Line(absl::StrCat("rehearsing the way back from step '", step, "' on"));
    ASSIGN_OR_RETURN(last, RunOnce(step));
    ASSIGN_OR_RETURN(result.coverage, AskCoverage());
    tried = {result.coverage->steps().begin(), result.coverage->steps().end()};
    left = orchestrator::StepsToProve(plan, tried);
    // Not proved by going back right behind it: another try would not do it either.
    if (!left.empty() && left.back() == step) break;
    if (last.state() != api::RUN_STATE_ROLLED_BACK) break;
  }
  result.undos_missing = orchestrator::UndosMissing(plan, tried);
  return last;
}

absl::StatusOr<api::CoverageView> Rehearsal::AskCoverage() {
  const auto stub = api::Orchestrator::NewStub(rpc::Connect(platform_->orchestrator()));
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(clock_.WallNow() + kCallMax));
  api::CoverageView view;
  RETURN_IF_ERROR(rpc::FromGrpc(stub->GetCoverage(&context, {}, &view)));
  return view;
}

}  // namespace lab
