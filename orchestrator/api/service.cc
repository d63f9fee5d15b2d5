#include "orchestrator/api/service.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "rpc/rpc.h"

namespace orchestrator {

using hamisha::orchestrator::v1::ActRequest;
using hamisha::orchestrator::v1::ImportProfileRequest;
using hamisha::orchestrator::v1::ImportProfileResponse;
using hamisha::orchestrator::v1::ListAgentsRequest;
using hamisha::orchestrator::v1::ListAgentsResponse;
using hamisha::orchestrator::v1::ListProfilesRequest;
using hamisha::orchestrator::v1::ListProfilesResponse;
using hamisha::orchestrator::v1::ProfileView;
using hamisha::orchestrator::v1::RunRequest;
using hamisha::orchestrator::v1::RunView;
using hamisha::orchestrator::v1::SubmitRunRequest;
using hamisha::orchestrator::v1::SubmitRunResponse;

namespace {

// Between two views of a watcher, who takes of the machine at most a fiftieth of a core, however
// long the plan is.
constexpr absl::Duration kPauseMin = absl::Milliseconds(50);
constexpr int kPauseByWork = 49;
constexpr absl::Duration kWait = absl::Seconds(1);  // To notice that a watcher has left.

void Fill(const Profile& profile, ProfileView& view) {
  view.set_run(profile.run);
  view.set_json(ToJson(profile));
}

}  // namespace

grpc::Status OrchestratorService::SubmitRun(grpc::ServerContext* /*context*/,
                                            const SubmitRunRequest* request,
                                            SubmitRunResponse* response) {
  absl::StatusOr<std::string> run = control_.Submit(*request);
  if (!run.ok()) return rpc::ToGrpc(run.status());
  response->set_run(*std::move(run));
  return grpc::Status::OK;
}

grpc::Status OrchestratorService::GetRun(grpc::ServerContext* /*context*/,
                                         const RunRequest* request, RunView* response) {
  absl::StatusOr<RunView> view = control_.Get(request->run());
  if (!view.ok()) return rpc::ToGrpc(view.status());
  *response = *std::move(view);
  return grpc::Status::OK;
}

grpc::Status OrchestratorService::WatchRun(grpc::ServerContext* context, const RunRequest* request,
                                           grpc::ServerWriter<RunView>* writer) {
  std::string run = request->run();
  uint64_t seen = 0;
  absl::Duration pause = kPauseMin;
  for (uint64_t sent = 0; !context->IsCancelled();) {
    if (seen != sent || sent == 0) {
      const absl::Duration start = base::SystemClock().MonotonicNow();
      const absl::StatusOr<RunView> view = control_.Get(run);
      if (!view.ok()) return rpc::ToGrpc(view.status());
      if (!writer->Write(*view)) return grpc::Status::OK;
      if (view->has_ended()) return grpc::Status::OK;
      run = view->run();  // Also when a newer one is started meanwhile.
      sent = seen;
      pause = std::max(kPauseMin, kPauseByWork * (base::SystemClock().MonotonicNow() - start));
    }
    seen = control_.WaitForChange(seen, pause, kWait);
    if (control_.stopped()) {
      return {grpc::StatusCode::UNAVAILABLE, "the orchestrator is stopping: watch again"};
    }
  }
  return grpc::Status::OK;
}

grpc::Status OrchestratorService::Act(grpc::ServerContext* /*context*/, const ActRequest* request,
                                      RunView* response) {
  absl::StatusOr<RunView> view = control_.Act(*request);
  if (!view.ok()) return rpc::ToGrpc(view.status());
  *response = *std::move(view);
  return grpc::Status::OK;
}

grpc::Status OrchestratorService::GetCoverage(
    grpc::ServerContext* /*context*/, const hamisha::orchestrator::v1::CoverageRequest* request,
    hamisha::orchestrator::v1::CoverageView* response) {
  auto view = control_.GetCoverage(*request);
  if (!view.ok()) return rpc::ToGrpc(view.status());
  *response = *std::move(view);
  return grpc::Status::OK;
}

grpc::Status OrchestratorService::ListAgents(grpc::ServerContext* /*context*/,
                                             const ListAgentsRequest* /*request*/,
                                             ListAgentsResponse* response) {
  *response = control_.Agents();
  return grpc::Status::OK;
}

grpc::Status OrchestratorService::GetProfile(grpc::ServerContext* /*context*/,
                                             const RunRequest* request, ProfileView* response) {
  const absl::StatusOr<Profile> profile = control_.GetProfile(request->run());
  if (!profile.ok()) return rpc::ToGrpc(profile.status());
  Fill(*profile, *response);
  return grpc::Status::OK;
}

grpc::Status OrchestratorService::ImportProfile(grpc::ServerContext* /*context*/,
                                                const ImportProfileRequest* request,
                                                ImportProfileResponse* response) {
  const absl::StatusOr<Profile> profile = control_.ImportProfile(request->path(), request->json());
  if (!profile.ok()) return rpc::ToGrpc(profile.status());
  response->set_run(profile->run);
  response->set_plan(profile->plan);
  return grpc::Status::OK;
}

grpc::Status OrchestratorService::ListProfiles(grpc::ServerContext* /*context*/,
                                               const ListProfilesRequest* request,
                                               ListProfilesResponse* response) {
  const auto profiles = control_.Profiles(request->playbook_digest());
  if (!profiles.ok()) return rpc::ToGrpc(profiles.status());
  for (const Profile& profile : *profiles) Fill(profile, *response->add_profiles());
  return grpc::Status::OK;
}

}  // namespace orchestrator
