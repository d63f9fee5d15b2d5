#include "agents/drivers/probe/canary.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agents/runtime/call.h"
#include "base/hash.h"
#include "base/status_macros.h"
#include "hamisha/action/v1/gateway.pb.h"

namespace agents {
namespace {

namespace action = ::hamisha::action::v1;
namespace ledger_pb = ::hamisha::ledger::v1;
namespace pb = ::hamisha::agent::v1;
using Result = pb::OrderResult;
using LedgerStub = std::shared_ptr<ledger_pb::Ledger::StubInterface>;

constexpr uint32_t kLedger = 999;  // A currency of its own: a canary never meets customers' money.
constexpr uint32_t kCode = 1;
constexpr uint64_t kAccountMark = 0xCA11;
constexpr uint32_t kAccountExists = 21;
constexpr uint32_t kTransferExists = 46;
constexpr absl::Duration kRetryPause = absl::Milliseconds(50);
constexpr absl::Duration kCallMax = absl::Seconds(5);

uint64_t Word(const base::Hash256& hash, size_t index) {
  uint64_t word = 0;
  std::memcpy(&word, hash.data() + index * sizeof(word), sizeof(word));
  return word;
}

// The parts with their lengths, so that no two lists read alike.
base::Hash256 HashOf(std::initializer_list<std::string> parts) {
  std::string text;
  for (const std::string& part : parts) absl::StrAppend(&text, part.size(), ":", part);
  return base::Sha256Of(text);
}

uint64_t WithShard(uint32_t shard, uint64_t low_48_bits) {
  return (uint64_t{shard} << 48) | (low_48_bits & ((uint64_t{1} << 48) - 1));
}

bool IsWorthRepeating(const absl::Status& status) {
  return !IsRefusal(status) || absl::IsNotFound(status);
}

// Repeats until there is an answer; every request here may be repeated.
template <typename Response, typename Invoke>
absl::StatusOr<Response> Ask(OrderContext& order, const Invoke& invoke) {
  while (true) {
    absl::StatusOr<Response> response =
        Call<Response>(order, OrderContext::EndsOn::kCancel, kCallMax, invoke);
    if (response.ok() || !IsWorthRepeating(response.status())) return response;
    if (!order.Wait(kRetryPause)) return response;
  }
}

absl::Status CheckResults(const ledger_pb::CreateResponse& response, uint32_t fine,
                          absl::string_view what) {
  for (const ledger_pb::EventResult& result : response.results()) {
    if (result.code() == fine) continue;
    return absl::FailedPreconditionError(
        absl::StrCat(what, " was refused with code ", result.code(), " (docs/ledger.md)"));
  }
  return absl::OkStatus();
}

// One canary on one shard.
class Flight {
 public:
  Flight(LedgerStub ledger, OrderContext& order, uint32_t shard, uint64_t amount)
      : ledger_(std::move(ledger)), order_(order), shard_(shard), amount_(amount) {}

  absl::Status Fly() {
    RETURN_IF_ERROR(MakeAccounts());
    RETURN_IF_ERROR(MakeTransfer(0));
    RETURN_IF_ERROR(MakeTransfer(1));
    RETURN_IF_ERROR(VerifyTransfers());
    return VerifyAccounts();
  }

  absl::Duration latency_max() const { return latency_max_; }

 private:
  ledger_pb::Id AccountId(uint32_t which) const {
    return CanaryAccountId(order_.order().key().host(), shard_, which);
  }

  absl::Status MakeAccounts() {
    ledger_pb::CreateAccountsRequest request;
    for (const uint32_t which : {0U, 1U}) {
      ledger_pb::Account& account = *request.add_accounts();
      *account.mutable_id() = AccountId(which);
      account.set_ledger(kLedger);
      account.set_code(kCode);
    }
    ASSIGN_OR_RETURN(const ledger_pb::CreateResponse response,
                     Ask<ledger_pb::CreateResponse>(order_, [&](auto* client, auto* answer) {
                       return ledger_->CreateAccounts(client, request, answer);
                     }));
    return CheckResults(response, kAccountExists, "a canary account");
  }

  ledger_pb::Transfer Transfer(uint32_t direction) const {
    ledger_pb::Transfer transfer;
    *transfer.mutable_id() = CanaryTransferId(order_.order().key(), shard_, direction);
    *transfer.mutable_debit_account_id() = AccountId(direction);
    *transfer.mutable_credit_account_id() = AccountId(1 - direction);
    transfer.set_amount(amount_);
    transfer.set_ledger(kLedger);
    transfer.set_code(kCode);
    return transfer;
  }

  absl::Status MakeTransfer(uint32_t direction) {
    ledger_pb::CreateTransfersRequest request;
    *request.add_transfers() = Transfer(direction);
    const absl::Duration begin = order_.clock().MonotonicNow();
    ASSIGN_OR_RETURN(const ledger_pb::CreateResponse response,
                     Ask<ledger_pb::CreateResponse>(order_, [&](auto* client, auto* answer) {
                       return ledger_->CreateTransfers(client, request, answer);
                     }));
    latency_max_ = std::max(latency_max_, order_.clock().MonotonicNow() - begin);
    return CheckResults(response, kTransferExists, "a canary transfer");
  }

  absl::Status VerifyTransfers() {
    ledger_pb::LookupRequest request;
    for (const uint32_t direction : {0U, 1U}) {
      *request.add_ids() = Transfer(direction).id();
    }
    ASSIGN_OR_RETURN(const ledger_pb::TransfersResponse response,
                     Ask<ledger_pb::TransfersResponse>(order_, [&](auto* client, auto* answer) {
                       return ledger_->LookupTransfers(client, request, answer);
                     }));
    for (const uint32_t direction : {0U, 1U}) {
      const ledger_pb::Transfer wanted = Transfer(direction);
      const bool there = std::any_of(response.transfers().begin(), response.transfers().end(),
                                     [&wanted](const ledger_pb::Transfer& found) {
                                       return found.id().high() == wanted.id().high() &&
                                              found.id().low() == wanted.id().low() &&
                                              found.amount() == wanted.amount();
                                     });
      if (!there) {
        return absl::DataLossError(
            "a canary transfer was acknowledged and is not found: stop, and keep all logs");
      }
    }
    return absl::OkStatus();
  }

  // The two accounts only ever trade with each other.
  absl::Status VerifyAccounts() {
    ledger_pb::LookupRequest request;
    for (const uint32_t which : {0U, 1U}) *request.add_ids() = AccountId(which);
    ASSIGN_OR_RETURN(const ledger_pb::AccountsResponse response,
                     Ask<ledger_pb::AccountsResponse>(order_, [&](auto* client, auto* answer) {
                       return ledger_->LookupAccounts(client, request, answer);
                     }));
    if (response.accounts_size() != 2) {
      return absl::DataLossError("a canary account is not found: stop, and keep all logs");
    }
    const ledger_pb::Account& one = response.accounts(0);
    const ledger_pb::Account& other = response.accounts(1);
    if (one.debits_posted() != other.credits_posted() ||
        one.credits_posted() != other.debits_posted() || one.debits_posted() < amount_ ||
        one.credits_posted() < amount_) {
      return absl::DataLossError(
          "the canary accounts' balances do not fit their transfers: stop, and keep all logs");
    }
    return absl::OkStatus();
  }

  const LedgerStub ledger_;
  OrderContext& order_;
  const uint32_t shard_;
  const uint64_t amount_;
  absl::Duration latency_max_;
};

class CanaryDriver final : public ActionDriver<action::ProbeCanary> {
 public:
  explicit CanaryDriver(LedgerStub ledger) : ledger_(std::move(ledger)) {}

 protected:
  Result Check(OrderContext& order, const action::ProbeCanary& /*canary*/) override {
    ledger_pb::LookupRequest request;
    for (const pb::ShardContext& context : order.order().shards()) {
      *request.add_ids() = CanaryAccountId(order.order().key().host(), context.shard(), 0);
    }
    const auto found = Ask<ledger_pb::AccountsResponse>(order, [&](auto* client, auto* answer) {
      return ledger_->LookupAccounts(client, request, answer);
    });
    if (!found.ok()) return ReadError("asking the gateway", found.status());
    return Succeeded(absl::StrCat("would make a transfer and its way back on ",
                                  order.order().shards_size(), " shards"));
  }

  Result Apply(OrderContext& order, const action::ProbeCanary& canary) override {
    if (order.order().shards().empty()) {
      return Failed("the order names no shards to try: correct the inventory");
    }
    const uint64_t amount = std::max<uint64_t>(canary.amount(), 1);
    absl::Duration latency_max;
    for (const pb::ShardContext& context : order.order().shards()) {
      Flight flight(ledger_, order, context.shard(), amount);
      const absl::Status status = flight.Fly();
      if (!status.ok()) {
        Result result = ReadError(absl::StrCat("the canary on shard ", context.shard()), status);
        result.set_mismatch(absl::IsDataLoss(status));
        return result;
      }
      latency_max = std::max(latency_max, flight.latency_max());
    }
    Result result = Succeeded(absl::StrCat("transfers went there and back on ",
                                           order.order().shards_size(), " shards, the slowest in ",
                                           absl::ToInt64Milliseconds(latency_max), " ms"));
    (*result.mutable_facts())["latency_ms_max"] =
        absl::StrCat(absl::ToDoubleMilliseconds(latency_max));
    (*result.mutable_facts())["shards"] = absl::StrCat(order.order().shards_size());
    return result;
  }

  // What a canary shows holds for the moment it flew.
  Result Probe(OrderContext& /*order*/, const action::ProbeCanary& /*canary*/) override {
    return Failed("no canary has come back; it harms nothing: let another one fly");
  }

 private:
  const LedgerStub ledger_;
};

}  // namespace

ledger_pb::Id CanaryAccountId(const std::string& host, uint32_t shard, uint32_t which) {
  ledger_pb::Id id;
  id.set_high(WithShard(shard, kAccountMark));
  id.set_low((Word(HashOf({"canary account", host}), 0) << 1) | which);
  return id;
}

ledger_pb::Id CanaryTransferId(const pb::OrderKey& key, uint32_t shard, uint32_t direction) {
  const base::Hash256 hash =
      HashOf({"canary transfer", key.run(), key.step(), key.host(), absl::StrCat(key.attempt()),
              absl::StrCat(shard), absl::StrCat(direction)});
  ledger_pb::Id id;
  id.set_high(WithShard(shard, Word(hash, 0)));
  id.set_low(Word(hash, 1));
  return id;
}

void AddCanaryDriver(LedgerStub ledger, Drivers& drivers) {
  drivers.Add(std::make_unique<CanaryDriver>(std::move(ledger)));
}

}  // namespace agents
