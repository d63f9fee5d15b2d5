#include "ledger/client/client.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/invariant.h"
#include "ledger/client/not_owner.h"
#include "ledger/client/outcome.h"
#include "rpc/rpc.h"

namespace ledger {
namespace {

constexpr absl::Duration kPauseMin = absl::Milliseconds(20);
constexpr absl::Duration kPauseMax = absl::Milliseconds(500);
constexpr int kHopsAtOnceMax = 3;  // NotOwner answers followed without a pause.

bool IsFinal(const grpc::Status& status) { return status.ok() || WillNeverExecute(status); }

template <typename Response>
absl::StatusOr<Response> ToResult(const grpc::Status& status, bool repeated, Response response) {
  if (status.ok()) return response;
  if (repeated && CertainlyNotExecuted(status)) {
    return absl::UnavailableError(absl::StrCat(
        status.error_message(),
        "; an earlier try may have been executed: repeat with the same ids to learn it"));
  }
  return rpc::FromGrpc(status);
}

}  // namespace

Client::Client(ClientOptions options)
    : options_([&] {
        INVARIANT(!options.addresses.empty());
        if (!options.pause) options.pause = [](absl::Duration time) { absl::SleepFor(time); };
        return std::move(options);
      }()),
      current_(options_.addresses.front()) {}

absl::StatusOr<pb::CreateResponse> Client::CreateAccounts(
    const pb::CreateAccountsRequest& request) {
  pb::CreateResponse response;
  const Tried tried = Run([&](pb::Ledger::Stub& stub, grpc::ClientContext* context) {
    return stub.CreateAccounts(context, request, &response);
  });
  if (tried.status.ok() && tried.repeated) ForgiveRepeats(request, &response);
  return ToResult(tried.status, tried.repeated, std::move(response));
}

absl::StatusOr<pb::CreateResponse> Client::CreateTransfers(
    const pb::CreateTransfersRequest& request) {
  pb::CreateResponse response;
  const Tried tried = Run([&](pb::Ledger::Stub& stub, grpc::ClientContext* context) {
    return stub.CreateTransfers(context, request, &response);
  });
  if (tried.status.ok() && tried.repeated) ForgiveRepeats(request, &response);
  return ToResult(tried.status, tried.repeated, std::move(response));
}

absl::StatusOr<pb::AccountsResponse> Client::LookupAccounts(const pb::LookupRequest& request) {
  pb::AccountsResponse response;
  const Tried tried = Run([&](pb::Ledger::Stub& stub, grpc::ClientContext* context) {
    return stub.LookupAccounts(context, request, &response);
  });
  return ToResult(tried.status, false, std::move(response));
}

absl::StatusOr<pb::TransfersResponse> Client::LookupTransfers(const pb::LookupRequest& request) {
  pb::TransfersResponse response;
  const Tried tried = Run([&](pb::Ledger::Stub& stub, grpc::ClientContext* context) {
    return stub.LookupTransfers(context, request, &response);
  });
  return ToResult(tried.status, false, std::move(response));
}

absl::StatusOr<pb::TransfersResponse> Client::GetAccountTransfers(
    const pb::AccountFilter& request) {
  pb::TransfersResponse response;
  const Tried tried = Run([&](pb::Ledger::Stub& stub, grpc::ClientContext* context) {
    return stub.GetAccountTransfers(context, request, &response);
  });
  return ToResult(tried.status, false, std::move(response));
}

absl::StatusOr<pb::CreateResponse> Client::SetBalanceLimits(
    const pb::SetBalanceLimitsRequest& request) {
  pb::CreateResponse response;
  const Tried tried = Run([&](pb::Ledger::Stub& stub, grpc::ClientContext* context) {
    return stub.SetBalanceLimits(context, request, &response);
  });
  return ToResult(tried.status, tried.repeated, std::move(response));
}

absl::StatusOr<pb::BalancesResponse> Client::GetAccountBalances(const pb::AccountFilter& request) {
  pb::BalancesResponse response;
  const Tried tried = Run([&](pb::Ledger::Stub& stub, grpc::ClientContext* context) {
    return stub.GetAccountBalances(context, request, &response);
  });
  return ToResult(tried.status, false, std::move(response));
}

Client::Tried Client::Run(const Try& attempt) {
  const absl::Duration deadline = options_.clock->MonotonicNow() + options_.timeout;
  absl::Duration pause = kPauseMin;
  int hops_at_once = 0;
  Tried tried;
  while (true) {
    const std::string address = Address();
    grpc::ClientContext context;
    const absl::Duration left = deadline - options_.clock->MonotonicNow();
    context.set_deadline(
        absl::ToChronoTime(options_.clock->WallNow() + std::min(left, options_.try_timeout)));
    tried.status = attempt(*StubOf(address), &context);
    if (IsFinal(tried.status)) return tried;
    if (!CertainlyNotExecuted(tried.status)) tried.repeated = true;
    if (MoveOn(address, tried.status) && hops_at_once < kHopsAtOnceMax) {
      ++hops_at_once;
    } else {
      hops_at_once = 0;
      if (options_.clock->MonotonicNow() + pause >= deadline) return tried;
      options_.pause(pause);
      pause = std::min(2 * pause, kPauseMax);
    }
    if (options_.clock->MonotonicNow() >= deadline) return tried;
  }
}

bool Client::MoveOn(const std::string& address, const grpc::Status& status) {
  if (status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED) return false;
  const auto not_owner = NotOwnerOf(status);
  absl::MutexLock lock(&mutex_);
  if (current_ != address) return true;  // Another thread has moved on already.
  if (not_owner && !not_owner->address().empty() && not_owner->address() != address) {
    current_ = not_owner->address();
    return !not_owner->sealed();
  }
  next_ = (next_ + 1) % options_.addresses.size();
  current_ = options_.addresses[next_];
  return false;
}

std::string Client::Address() {
  absl::MutexLock lock(&mutex_);
  return current_;
}

std::shared_ptr<pb::Ledger::Stub> Client::StubOf(const std::string& address) {
  absl::MutexLock lock(&mutex_);
  std::shared_ptr<pb::Ledger::Stub>& stub = stubs_[address];
  if (stub == nullptr) stub = pb::Ledger::NewStub(rpc::Connect(address));
  return stub;
}

}  // namespace ledger
