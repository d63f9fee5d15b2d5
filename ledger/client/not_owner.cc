#include "ledger/client/not_owner.h"

namespace ledger {

std::optional<pb::NotOwner> NotOwnerOf(const grpc::Status& status) {
  if (status.error_code() != grpc::StatusCode::FAILED_PRECONDITION) return std::nullopt;
  pb::NotOwner not_owner;
  if (status.error_details().empty() || !not_owner.ParseFromString(status.error_details())) {
    return std::nullopt;
  }
  return not_owner;
}

bool CertainlyNotExecuted(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::INVALID_ARGUMENT ||
         status.error_code() == grpc::StatusCode::FAILED_PRECONDITION ||
         status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED;
}

bool WillNeverExecute(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::INVALID_ARGUMENT ||
         status.error_code() == grpc::StatusCode::UNIMPLEMENTED ||
         status.error_code() == grpc::StatusCode::UNAUTHENTICATED ||
         status.error_code() == grpc::StatusCode::PERMISSION_DENIED;
}

}  // namespace ledger
