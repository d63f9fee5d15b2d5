// The platform as the load sees it: its gateways, and the client API's messages.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "hamisha/ledger/v1/ledger.grpc.pb.h"
#include "lab/load/accounts.h"
#include "lab/load/checker.h"
#include "lab/load/generator.h"

namespace lab {

namespace pb = ::hamisha::ledger::v1;

inline constexpr int kLookupIdsMax = 8'190;

pb::Id ToProto(const base::Id128& id);
base::Id128 FromProto(const pb::Id& id);
Leg FromProto(const pb::Transfer& transfer);

// Appends the transaction's legs as one linked chain.
void AppendChain(const Transaction& transaction, uint32_t currency,
                 pb::CreateTransfersRequest& request);

// Whether a call that ended so may have been executed.
bool MayHaveBeenExecuted(const grpc::Status& status);
// Whether it is worth sending again, with the same ids.
bool IsWorthRetrying(const grpc::Status& status);

// Connections to all gateways, used in turn. Safe for any thread.
class Gateways {
 public:
  // Blocking calls are given up after `patience` of retrying. `clock` must outlive it.
  // INVALID_ARGUMENT without an address.
  static absl::StatusOr<std::unique_ptr<Gateways>> Connect(
      const std::vector<std::string>& addresses, const base::Clock* clock, absl::Duration patience);

  size_t NextIndex() { return next_++ % stubs_.size(); }
  pb::Ledger::Stub& At(size_t index) { return *stubs_[index % stubs_.size()]; }
  // Sets the time by which a call started now must be answered.
  void SetDeadline(grpc::ClientContext& context, absl::Duration timeout) const;

  // Blocking, tried again with the same request until `patience` is over.
  absl::StatusOr<pb::CreateResponse> CreateAccounts(const pb::CreateAccountsRequest& request);
  absl::StatusOr<pb::CreateResponse> CreateTransfers(const pb::CreateTransfersRequest& request);
  absl::StatusOr<pb::AccountsResponse> LookupAccounts(const pb::LookupRequest& request);
  absl::StatusOr<pb::TransfersResponse> LookupTransfers(const pb::LookupRequest& request);
  absl::StatusOr<pb::TransfersResponse> GetAccountTransfers(const pb::AccountFilter& request);

  const base::Clock& clock() const { return *clock_; }

 private:
  Gateways(const base::Clock* clock, absl::Duration patience)
      : clock_(clock), patience_(patience) {}

  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (pb::Ledger::Stub::*method)(grpc::ClientContext*,
                                                                         const Request&, Response*),
                                const Request& request);

  const base::Clock* clock_;
  absl::Duration patience_;
  std::vector<std::unique_ptr<pb::Ledger::Stub>> stubs_;
  std::atomic<size_t> next_{0};
};

// The balances of all accounts of `space`, by ordinal; none where an account is not there.
absl::StatusOr<std::vector<std::optional<Balance>>> LookupBalances(Gateways& gateways,
                                                                   const AccountSpace& space);

}  // namespace lab
