#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "hamisha/orchestrator/v1/orchestrator.grpc.pb.h"

namespace orchestrator {

// The orchestrator, as the command line needs it. Every call is bounded in time. Not thread-safe.
class Client {
 public:
  // Does not connect yet.
  explicit Client(const std::string& address);

  absl::StatusOr<std::string> Submit(const hamisha::orchestrator::v1::SubmitRunRequest& request);
  absl::StatusOr<hamisha::orchestrator::v1::RunView> GetRun(const std::string& run);
  absl::StatusOr<hamisha::orchestrator::v1::RunView> Act(
      const hamisha::orchestrator::v1::ActRequest& request);
  absl::StatusOr<hamisha::orchestrator::v1::ListAgentsResponse> ListAgents();
  absl::StatusOr<hamisha::orchestrator::v1::ProfileView> GetProfile(const std::string& run);
  absl::StatusOr<hamisha::orchestrator::v1::ImportProfileResponse> ImportProfile(
      const std::string& path, const std::string& json);
  absl::StatusOr<hamisha::orchestrator::v1::ListProfilesResponse> ListProfiles(
      const std::string& playbook_digest);
  absl::StatusOr<hamisha::orchestrator::v1::CoverageView> GetCoverage(
      const hamisha::orchestrator::v1::CoverageRequest& request);

  // Calls `show` with the run now and after each change, until it has ended; returns it as it then
  // is. An orchestrator that goes away is given a minute to come back.
  absl::StatusOr<hamisha::orchestrator::v1::RunView> Watch(
      std::string run, const std::function<void(const hamisha::orchestrator::v1::RunView&)>& show);

  const std::string& address() const { return address_; }

 private:
  std::string address_;
  std::unique_ptr<hamisha::orchestrator::v1::Orchestrator::Stub> stub_;
};

}  // namespace orchestrator
