// The write requests as one type.
#pragma once

#include <cstdint>
#include <variant>

#include "absl/status/status.h"
#include "hamisha/ledger/v1/ledger.pb.h"

namespace ledger {

namespace pb = ::hamisha::ledger::v1;

using Batch = std::variant<pb::CreateAccountsRequest, pb::CreateTransfersRequest>;

uint32_t EventCount(const Batch& batch);
bool IsLinked(const Batch& batch, uint32_t event);
uint64_t EncodedBytes(const Batch& batch);
void SetEpoch(uint64_t epoch, Batch* batch);

// Whether one request with the events of `first` and then those of `second` means the same as the
// two one after the other: the same kind, no chain left open by the first, and not too long.
bool CanJoin(const Batch& first, uint32_t first_events, const Batch& second);

// Adds the events of `from`, of the same kind, to `to`.
void Append(const Batch& from, Batch* to);

// See ledger/client/outcome.h.
void ForgiveRepeats(const Batch& batch, pb::CreateResponse* response);

// INVALID_ARGUMENT for what a node would never execute whatever its state: too many events, a code
// or flags beyond their 16 bits.
absl::Status Validate(const Batch& batch);

}  // namespace ledger
