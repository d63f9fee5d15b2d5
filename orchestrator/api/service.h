#pragma once

#include "hamisha/orchestrator/v1/orchestrator.grpc.pb.h"
#include "orchestrator/control/control.h"

namespace orchestrator {

// The operators' API. A thin layer over Control; a watcher holds one of gRPC's threads.
class OrchestratorService final : public hamisha::orchestrator::v1::Orchestrator::Service {
 public:
  // `control` must outlive the server.
  explicit OrchestratorService(Control& control) : control_(control) {}

  grpc::Status SubmitRun(grpc::ServerContext* context,
                         const hamisha::orchestrator::v1::SubmitRunRequest* request,
                         hamisha::orchestrator::v1::SubmitRunResponse* response) override;
  grpc::Status GetRun(grpc::ServerContext* context,
                      const hamisha::orchestrator::v1::RunRequest* request,
                      hamisha::orchestrator::v1::RunView* response) override;
  grpc::Status WatchRun(grpc::ServerContext* context,
                        const hamisha::orchestrator::v1::RunRequest* request,
                        grpc::ServerWriter<hamisha::orchestrator::v1::RunView>* writer) override;
  grpc::Status Act(grpc::ServerContext* context,
                   const hamisha::orchestrator::v1::ActRequest* request,
                   hamisha::orchestrator::v1::RunView* response) override;
  grpc::Status GetCoverage(grpc::ServerContext* context,
                           const hamisha::orchestrator::v1::CoverageRequest* request,
                           hamisha::orchestrator::v1::CoverageView* response) override;
  grpc::Status ListAgents(grpc::ServerContext* context,
                          const hamisha::orchestrator::v1::ListAgentsRequest* request,
                          hamisha::orchestrator::v1::ListAgentsResponse* response) override;

  grpc::Status GetProfile(grpc::ServerContext* context,
                          const hamisha::orchestrator::v1::RunRequest* request,
                          hamisha::orchestrator::v1::ProfileView* response) override;
  grpc::Status ImportProfile(grpc::ServerContext* context,
                             const hamisha::orchestrator::v1::ImportProfileRequest* request,
                             hamisha::orchestrator::v1::ImportProfileResponse* response) override;
  grpc::Status ListProfiles(grpc::ServerContext* context,
                            const hamisha::orchestrator::v1::ListProfilesRequest* request,
                            hamisha::orchestrator::v1::ListProfilesResponse* response) override;

 private:
  Control& control_;
};

}  // namespace orchestrator
