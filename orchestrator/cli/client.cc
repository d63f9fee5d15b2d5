#include "orchestrator/cli/client.h"

#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/clock.h"
#include "orchestrator/cli/render.h"
#include "rpc/rpc.h"

namespace orchestrator {
namespace {

namespace v1 = hamisha::orchestrator::v1;

constexpr absl::Duration kCallTimeout = absl::Seconds(10);
constexpr absl::Duration kReturnTimeout = absl::Minutes(1);
constexpr absl::Duration kRetryDelay = absl::Milliseconds(500);

void SetDeadline(grpc::ClientContext& context) {
  context.set_deadline(absl::ToChronoTime(base::SystemClock().WallNow() + kCallTimeout));
}

bool IsUnreachable(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
}

}  // namespace

Client::Client(const std::string& address)
    : address_(address), stub_(v1::Orchestrator::NewStub(rpc::Connect(address))) {}

absl::StatusOr<std::string> Client::Submit(const v1::SubmitRunRequest& request) {
  grpc::ClientContext context;
  SetDeadline(context);
  v1::SubmitRunResponse response;
  const absl::Status status = rpc::FromGrpc(stub_->SubmitRun(&context, request, &response));
  if (!status.ok()) return status;
  return response.run();
}

absl::StatusOr<v1::RunView> Client::GetRun(const std::string& run) {
  grpc::ClientContext context;
  SetDeadline(context);
  v1::RunRequest request;
  request.set_run(run);
  v1::RunView view;
  const absl::Status status = rpc::FromGrpc(stub_->GetRun(&context, request, &view));
  if (!status.ok()) return status;
  return view;
}

absl::StatusOr<v1::RunView> Client::Act(const v1::ActRequest& request) {
  grpc::ClientContext context;
  SetDeadline(context);
  v1::RunView view;
  const absl::Status status = rpc::FromGrpc(stub_->Act(&context, request, &view));
  if (!status.ok()) return status;
  return view;
}

absl::StatusOr<v1::ListAgentsResponse> Client::ListAgents() {
  grpc::ClientContext context;
  SetDeadline(context);
  v1::ListAgentsResponse response;
  const absl::Status status =
      rpc::FromGrpc(stub_->ListAgents(&context, v1::ListAgentsRequest(), &response));
  if (!status.ok()) return status;
  return response;
}

absl::StatusOr<v1::ProfileView> Client::GetProfile(const std::string& run) {
  grpc::ClientContext context;
  SetDeadline(context);
  v1::RunRequest request;
  request.set_run(run);
  v1::ProfileView view;
  const absl::Status status = rpc::FromGrpc(stub_->GetProfile(&context, request, &view));
  if (!status.ok()) return status;
  return view;
}

absl::StatusOr<v1::CoverageView> Client::GetCoverage(const v1::CoverageRequest& request) {
  grpc::ClientContext context;
  SetDeadline(context);
  v1::CoverageView view;
  const absl::Status status = rpc::FromGrpc(stub_->GetCoverage(&context, request, &view));
  if (!status.ok()) return status;
  return view;
}

absl::StatusOr<v1::ImportProfileResponse> Client::ImportProfile(const std::string& path,
                                                                const std::string& json) {
  grpc::ClientContext context;
  SetDeadline(context);
  v1::ImportProfileRequest request;
  request.set_path(path);
  request.set_json(json);
  v1::ImportProfileResponse response;
  const absl::Status status = rpc::FromGrpc(stub_->ImportProfile(&context, request, &response));
  if (!status.ok()) return status;
  return response;
}

absl::StatusOr<v1::ListProfilesResponse> Client::ListProfiles(const std::string& playbook_digest) {
  grpc::ClientContext context;
  SetDeadline(context);
  v1::ListProfilesRequest request;
  request.set_playbook_digest(playbook_digest);
  v1::ListProfilesResponse response;
  const absl::Status status = rpc::FromGrpc(stub_->ListProfiles(&context, request, &response));
  if (!status.ok()) return status;
  return response;
}

absl::StatusOr<v1::RunView> Client::Watch(std::string run,
                                          const std::function<void(const v1::RunView&)>& show) {
  const base::Clock& clock = base::SystemClock();
  absl::Duration heard = clock.MonotonicNow();
  bool lost = false;
  while (true) {
    grpc::ClientContext context;
    v1::RunRequest request;
    request.set_run(run);
    const auto reader = stub_->WatchRun(&context, request);
    v1::RunView view;
    while (reader->Read(&view)) {
      run = view.run();  // "" was the newest: stay with that one.
      heard = clock.MonotonicNow();
      lost = false;
      show(view);
    }
    const absl::Status status = rpc::FromGrpc(reader->Finish());
    if (status.ok() && HasEnded(view)) return view;
    const bool may_return = status.ok() || IsUnreachable(status) || absl::IsCancelled(status);
    if (!may_return || clock.MonotonicNow() - heard > kReturnTimeout) {
      return status.ok() ? absl::UnavailableError("it ended the conversation") : status;
    }
    if (!std::exchange(lost, true)) {
      std::cerr << "the orchestrator at " << address_ << " cannot be reached; trying again\n";
    }
    absl::SleepFor(kRetryDelay);
  }
}

}  // namespace orchestrator
