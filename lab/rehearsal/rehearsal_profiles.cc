// Profiles: what earlier runs left for this one's forecasts, and what this one leaves.
#include "absl/strings/str_cat.h"
#include "base/file_system.h"
#include "base/status_macros.h"
#include "hamisha/orchestrator/v1/orchestrator.grpc.pb.h"
#include "lab/rehearsal/rehearsal.h"

namespace lab {
namespace {

namespace api = hamisha::orchestrator::v1;

constexpr absl::Duration kCallMax = absl::Seconds(10);

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
std::string Rehearsal::KeepProfile(const std::string& run) {
  const auto stub = api::Orchestrator::NewStub(rpc::Connect(platform_->orchestrator()));
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(clock_.WallNow() + kCallMax));
  api::RunRequest request;
  request.set_run(run);
  api::ProfileView profile;
  absl::Status kept = rpc::FromGrpc(stub->GetProfile(&context, request, &profile));
  const std::string path = absl::StrCat(options_.directory, "/profile.json");
  if (kept.ok()) kept = base::SystemFileSystem().Replace(path, profile.json());
  if (kept.ok()) return path;
  display_.Line(absl::StrCat("no profile was kept: ", std::string(kept.message())));
  return "";
}

}  // namespace lab
