#pragma once

#include <grpcpp/support/status.h>

#include <optional>

#include "hamisha/ledger/v1/ledger.pb.h"

namespace ledger {

namespace pb = ::hamisha::ledger::v1;

// What a node that does not own the shard told; nothing for any other status.
std::optional<pb::NotOwner> NotOwnerOf(const grpc::Status& status);

// Whether a call that ended so, not OK, certainly did not execute: INVALID_ARGUMENT,
// FAILED_PRECONDITION, RESOURCE_EXHAUSTED. After any other, only the same ids may be sent again.
bool CertainlyNotExecuted(const grpc::Status& status);

// Whether sending the same request again is in vain: it is malformed, or not allowed.
bool WillNeverExecute(const grpc::Status& status);

}  // namespace ledger
