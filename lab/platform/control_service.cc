#include "lab/platform/control_service.h"

#include "rpc/rpc.h"

namespace lab {

namespace api = hamisha::lab::v1;

grpc::Status ControlService::Answer(const absl::Status& status, api::LabView* view) {
  if (!status.ok()) return rpc::ToGrpc(status);
  *view = platform_.View();
  return grpc::Status::OK;
}

grpc::Status ControlService::GetLab(grpc::ServerContext* /*context*/,
                                    const api::GetLabRequest* /*request*/, api::LabView* view) {
  return Answer(absl::OkStatus(), view);
}

grpc::Status ControlService::CutLink(grpc::ServerContext* /*context*/,
                                     const api::CutLinkRequest* /*request*/, api::LabView* view) {
  platform_.CutLink();
  return Answer(absl::OkStatus(), view);
}

grpc::Status ControlService::HealLink(grpc::ServerContext* /*context*/,
                                      const api::HealLinkRequest* /*request*/, api::LabView* view) {
  platform_.HealLink();
  return Answer(absl::OkStatus(), view);
}

grpc::Status ControlService::Kill(grpc::ServerContext* /*context*/,
                                  const api::ProcessRequest* request, api::LabView* view) {
  return Answer(platform_.Kill(request->name()), view);
}

grpc::Status ControlService::Start(grpc::ServerContext* /*context*/,
                                   const api::ProcessRequest* request, api::LabView* view) {
  return Answer(platform_.Start(request->name()), view);
}

grpc::Status ControlService::FlipStateBit(grpc::ServerContext* /*context*/,
                                          const api::FlipRequest* request, api::LabView* view) {
  return Answer(platform_.Flip({.site = request->site(), .shard = request->shard()}), view);
}

grpc::Status ControlService::EndLab(grpc::ServerContext* /*context*/,
                                    const api::EndLabRequest* /*request*/, api::LabView* view) {
  end_();
  return Answer(absl::OkStatus(), view);
}

}  // namespace lab
