// Profiles: what earlier runs left for this one's forecasts, and what this one leaves.
#include "absl/strings/str_cat.h"
#include "base/file_system.h"
#include "base/status_macros.h"
#include "hamisha/orchestrator/v1/orchestrator.grpc.pb.h"
#include "lab/rehearsal/rehearsal.h"
#include "orchestrator/forecast/profile.h"

namespace lab {
namespace {

namespace api = hamisha::orchestrator::v1;

constexpr absl::Duration kCallMax = absl::Seconds(10);

// What all runs of the rehearsal have tried, not the last one alone.
absl::Status AddTried(const api::CoverageView& tried, api::ProfileView& view) {
  ASSIGN_OR_RETURN(orchestrator::Profile profile,
                   orchestrator::ParseProfile(view.run(), view.json()));
  profile.coverage = {tried.steps().begin(), tried.steps().end()};
  view.set_json(orchestrator::ToJson(profile));
  return absl::OkStatus();
}

}  // namespace

absl::Status Rehearsal::ImportProfiles() {
  const auto stub = api::Orchestrator::NewStub(rpc::Connect(platform_->orchestrator()));
  for (const std::string& json : options_.profiles) {
    api::ImportProfileRequest request;
    request.set_path("--profile");
    request.set_json(json);
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(clock_.WallNow() + kCallMax));
    api::ImportProfileResponse response;
    RETURN_IF_ERROR(rpc::FromGrpc(stub->ImportProfile(&context, request, &response)));
    display_.Line(absl::StrCat("forecasts use the profile of run ", response.run()));
  }
  return absl::OkStatus();
}

// A rehearsal without its profile proves what it proves all the same.
std::string Rehearsal::KeepProfile(const RehearsalResult& result) {
  const auto stub = api::Orchestrator::NewStub(rpc::Connect(platform_->orchestrator()));
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(clock_.WallNow() + kCallMax));
  api::RunRequest request;
  request.set_run(result.run.run());
  api::ProfileView profile;
  absl::Status kept = rpc::FromGrpc(stub->GetProfile(&context, request, &profile));
  if (kept.ok() && result.coverage.has_value()) kept = AddTried(*result.coverage, profile);
  const std::string path = absl::StrCat(options_.directory, "/profile.json");
  if (kept.ok()) kept = base::SystemFileSystem().Replace(path, profile.json());
  if (kept.ok()) return path;
  display_.Line(absl::StrCat("no profile was kept: ", std::string(kept.message())));
  return "";
}

}  // namespace lab
