#include "lab/platform/control_service.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/file_system.h"
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

absl::Status WriteLabJson(const Platform& platform, const std::string& control_address) {
  const nlohmann::json json = {{"control", control_address},
                               {"directory", platform.directory()},
                               {"gateways", platform.gateways()},
                               {"inventory", platform.inventory_path()},
                               {"orchestrator", platform.orchestrator()}};
  return base::SystemFileSystem().Replace(platform.directory() + "/lab.json", json.dump(2) + "\n");
}

absl::StatusOr<std::string> ReadLabJson(const std::string& directory) {
  const std::string path = absl::StrCat(directory, "/lab.json");
  const auto text = base::SystemFileSystem().Read(path);
  if (!text.ok()) {
    return absl::NotFoundError(absl::StrCat("no lab in ", directory,
                                            ": name the directory that `hamisha lab up` printed"));
  }
  const auto json = nlohmann::json::parse(*text, nullptr, false);
  if (!json.is_object() || !json.contains("control") || !json["control"].is_string()) {
    return absl::DataLossError(absl::StrCat(path, " does not say where the lab listens"));
  }
  return json["control"].get<std::string>();
}

}  // namespace lab
