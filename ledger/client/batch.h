// The write requests as one type.
#pragma once

#include <cstdint>
#include <variant>

#include "absl/status/status.h"
#include "hamisha/ledger/v1/ledger.pb.h"

namespace ledger {

namespace pb = ::hamisha::ledger::v1;

using WriteBatch = std::variant<pb::CreateAccountsRequest, pb::CreateTransfersRequest,
                                pb::SetBalanceLimitsRequest>;

uint32_t EventCount(const WriteBatch& batch);
bool IsLinked(const WriteBatch& batch, uint32_t event);
uint64_t EncodedBytes(const WriteBatch& batch);
void SetEpoch(uint64_t epoch, WriteBatch* batch);

// Whether one request with the events of `first` and then those of `second` means the same as the
// two one after the other: the same kind, both imported or none, no chain left open by the
// first, and not too long.
bool CanJoin(const WriteBatch& first, uint32_t first_events, const WriteBatch& second);
bool CanJoin(const pb::CreateTransfersRequest& first, uint32_t first_events,
             const pb::CreateTransfersRequest& second);

// Adds the events of `from`, of the same kind, to `to`.
void Append(const WriteBatch& from, WriteBatch* to);

// See ledger/client/outcome.h.
void ForgiveRepeats(const WriteBatch& batch, pb::CreateResponse* response);

// INVALID_ARGUMENT for what a node would never execute whatever its state: no or too many events, a
// code or flags beyond their 16 bits.
absl::Status Validate(const WriteBatch& batch);

}  // namespace ledger
