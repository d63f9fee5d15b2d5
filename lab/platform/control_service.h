#pragma once

#include <functional>

#include "hamisha/lab/v1/lab.grpc.pb.h"
#include "lab/platform/platform.h"

namespace lab {

// Lets other programs act on a platform that is up. Answers every call with the lab as it then is.
class ControlService final : public hamisha::lab::v1::Lab::Service {
 public:
  // `platform` must outlive the service. `end` is called, on a thread of gRPC's, when the lab is
  // to end; it must return at once.
  ControlService(Platform& platform, std::function<void()> end)
      : platform_(platform), end_(std::move(end)) {}

  grpc::Status GetLab(grpc::ServerContext* context, const hamisha::lab::v1::GetLabRequest* request,
                      hamisha::lab::v1::LabView* view) override;
  grpc::Status CutLink(grpc::ServerContext* context,
                       const hamisha::lab::v1::CutLinkRequest* request,
                       hamisha::lab::v1::LabView* view) override;
  grpc::Status HealLink(grpc::ServerContext* context,
                        const hamisha::lab::v1::HealLinkRequest* request,
                        hamisha::lab::v1::LabView* view) override;
  grpc::Status Kill(grpc::ServerContext* context, const hamisha::lab::v1::ProcessRequest* request,
                    hamisha::lab::v1::LabView* view) override;
  grpc::Status Start(grpc::ServerContext* context, const hamisha::lab::v1::ProcessRequest* request,
                     hamisha::lab::v1::LabView* view) override;
  grpc::Status FlipStateBit(grpc::ServerContext* context,
                            const hamisha::lab::v1::FlipRequest* request,
                            hamisha::lab::v1::LabView* view) override;
  grpc::Status EndLab(grpc::ServerContext* context, const hamisha::lab::v1::EndLabRequest* request,
                      hamisha::lab::v1::LabView* view) override;

 private:
  grpc::Status Answer(const absl::Status& status, hamisha::lab::v1::LabView* view);

  Platform& platform_;
  const std::function<void()> end_;
};

// DIR/lab.json says where the control listens. OK once it is durable.
absl::Status WriteLabJson(const Platform& platform, const std::string& control_address);
// The control's address of the lab in a directory. NOT_FOUND when none was ever up there.
absl::StatusOr<std::string> ReadLabJson(const std::string& directory);

}  // namespace lab
