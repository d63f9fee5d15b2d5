#include "tests/integration/ledger_load.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "ledger/core/status.h"
#include "ledger/node/convert.h"

namespace load {
namespace {

using ledger::AccountStatus;
using ledger::Id128;
using ledger::Transfer;
using ledger::TransferFlags;
using ledger::TransferStatus;

// Far beyond what any call takes: a node that hangs fails the test and does not hang it.
constexpr absl::Duration kDeadline = absl::Seconds(60);
constexpr size_t kComplaintsMax = 10;

constexpr uint32_t Code(TransferStatus status) { return static_cast<uint32_t>(status); }

// Those that fail so have burnt their id.
bool Burns(uint32_t code) {
  static const std::set<uint32_t> burning = {Code(TransferStatus::kDebitAccountNotFound),
                                             Code(TransferStatus::kCreditAccountNotFound),
                                             Code(TransferStatus::kPendingTransferNotFound),
                                             Code(TransferStatus::kExceedsCredits),
                                             Code(TransferStatus::kExceedsDebits),
                                             Code(TransferStatus::kDebitAccountAlreadyClosed),
                                             Code(TransferStatus::kCreditAccountAlreadyClosed),
                                             Code(TransferStatus::kExceedsDebitAccountBalanceMax),
                                             Code(TransferStatus::kExceedsCreditAccountBalanceMax),
                                             Code(TransferStatus::kIdAlreadyFailed)};
  return burning.contains(code);
}

// Of a call that is to be answered before its deadline.
class Context {
 public:
  Context() {
    context_.set_deadline(absl::ToChronoTime(base::SystemClock().WallNow() + kDeadline));
  }
  grpc::ClientContext* get() { return &context_; }

 private:
  grpc::ClientContext context_;
};

grpc::Status Send(pb::Ledger::Stub& ledger, const Batch& batch, pb::CreateResponse& response) {
  Context context;
  if (!batch.accounts.empty()) {
    pb::CreateAccountsRequest request;
    for (const auto& account : batch.accounts) ToMessage(account, *request.add_accounts());
    return ledger.CreateAccounts(context.get(), request, &response);
  }
  pb::CreateTransfersRequest request;
  for (const auto& transfer : batch.transfers) {
    pb::Transfer& message = *request.add_transfers();
    ToMessage(transfer, message);
    message.clear_timestamp_ns();
  }
  return ledger.CreateTransfers(context.get(), request, &response);
}

void Add(pb::LookupRequest& request, const Id128& id) {
  pb::Id& message = *request.add_ids();
  message.set_high(id.high);
  message.set_low(id.low);
}

std::string Say(const Id128& id) { return base::ToString(id); }

// Calls `check` with the beginning and the length of parts that fit into a lookup.
template <typename Check>
void InParts(size_t size, Check check) {
  for (size_t first = 0; first < size; first += ledger::kBatchEventsMax) {
    check(first, std::min<size_t>(size - first, ledger::kBatchEventsMax));
  }
}

}  // namespace

Counts& Counts::operator+=(const Counts& other) {
  batches += other.batches;
  accounts += other.accounts;
  transfers += other.transfers;
  refused += other.refused;
  repeats += other.repeats;
  resent += other.resent;
  happened += other.happened;
  return *this;
}

Client::Client(uint64_t seed, uint32_t number, uint32_t clients)
    : generator_(seed, number, clients) {}

void Client::Run(pb::Ledger::Stub& ledger, const std::function<void()>& answered) {
  while (complaints_.empty()) {
    if (!unanswered_) unanswered_ = generator_.Next();
    if (!SendUnanswered(ledger)) return;
    answered();
  }
}

void Client::Finish(pb::Ledger::Stub& ledger) {
  if (unanswered_ && !SendUnanswered(ledger)) Complain("no answer while nobody kills the node");
}

bool Client::SendUnanswered(pb::Ledger::Stub& ledger) {
  pb::CreateResponse response;
  const grpc::Status status = Send(ledger, *unanswered_, response);
  if (!status.ok()) {
    unanswered_->is_resent = true;
    if (status.error_code() != grpc::StatusCode::UNAVAILABLE) {
      Complain(
          absl::StrCat("a batch was answered ", status.error_code(), ": ", status.error_message()));
    }
    return false;
  }
  Learn(response);
  unanswered_.reset();
  return true;
}

void Client::Learn(const pb::CreateResponse& response) {
  const Batch& batch = *unanswered_;
  const size_t events = std::max(batch.accounts.size(), batch.transfers.size());
  std::vector<uint32_t> codes(events);
  for (const pb::EventResult& result : response.results()) codes.at(result.index()) = result.code();
  const uint64_t first_ns = response.commits(0).timestamp_ns() - events + 1;
  const bool accounts_were_there = LearnAccounts(codes, first_ns);
  const bool transfers_were_there = LearnTransfers(codes, first_ns);
  ++counts_.batches;
  if (batch.is_resent) ++counts_.resent;
  if (accounts_were_there || transfers_were_there) ++counts_.happened;
}

bool Client::LearnAccounts(const std::vector<uint32_t>& codes, uint64_t first_ns) {
  constexpr auto kExists = static_cast<uint32_t>(AccountStatus::kExists);
  bool were_there = false;
  for (size_t i = 0; i < unanswered_->accounts.size(); ++i) {
    ledger::Account account = unanswered_->accounts[i];
    const bool happened = unanswered_->is_resent && codes[i] == kExists;
    if (codes[i] != 0 && !happened) {
      Complain(absl::StrCat("account ", Say(account.id), " was answered ", codes[i]));
      continue;
    }
    were_there |= happened;
    account.timestamp_ns = happened ? 0 : first_ns + i;
    accounts_.push_back(account);
    generator_.Made(account);
    ++counts_.accounts;
  }
  return were_there;
}

bool Client::LearnTransfers(const std::vector<uint32_t>& codes, uint64_t first_ns) {
  const Batch& batch = *unanswered_;
  bool were_there = false;
  bool is_linked = false;
  size_t chain = 0;  // Where the chain of event i begins.
  for (size_t i = 0; i < batch.transfers.size(); ++i) {
    if (!is_linked) chain = i;
    is_linked = (batch.transfers[i].flags & TransferFlags::kLinked) != 0;
    // A chain that happened is answered `exists` for its first event only.
    const uint32_t code =
        codes[i] == Code(TransferStatus::kLinkedEventFailed) ? codes[chain] : codes[i];
    const bool happened = batch.is_resent && code == Code(TransferStatus::kExists);
    if (batch.codes[i] != Batch::kAny) {
      ++counts_.repeats;
      if (codes[i] == batch.codes[i]) continue;
      Complain(absl::StrCat("the repeated transfer ", Say(batch.transfers[i].id), " was answered ",
                            codes[i], " and not ", batch.codes[i]));
    } else if (happened) {
      were_there = true;
      Note(batch.transfers[i], 0, 0);
    } else {
      Note(batch.transfers[i], codes[i], first_ns + i);
    }
  }
  return were_there;
}

void Client::Note(const Transfer& transfer, uint32_t code, uint64_t timestamp_ns) {
  if (code != 0) {
    ++counts_.refused;
    refused_.push_back(transfer.id);
    if (Burns(code)) generator_.Burnt(transfer);
    if (code == Code(TransferStatus::kExists)) {
      Complain(absl::StrCat("the new transfer ", Say(transfer.id), " was answered that it exists"));
    }
    return;
  }
  ++counts_.transfers;
  transfers_.push_back(transfer);
  transfers_.back().timestamp_ns = timestamp_ns;
  generator_.Made(transfer);
}

void Client::Check(pb::Ledger::Stub& ledger) {
  InParts(accounts_.size(), [&](size_t first, size_t n) { CheckAccounts(ledger, first, n); });
  InParts(transfers_.size(), [&](size_t first, size_t n) { CheckTransfers(ledger, first, n); });
  InParts(refused_.size(), [&](size_t first, size_t n) { CheckRefused(ledger, first, n); });
}

void Client::CheckAccounts(pb::Ledger::Stub& ledger, size_t first, size_t count) {
  pb::LookupRequest request;
  for (size_t i = 0; i < count; ++i) Add(request, accounts_[first + i].id);
  Context context;
  pb::AccountsResponse response;
  const grpc::Status status = ledger.LookupAccounts(context.get(), request, &response);
  if (!status.ok()) return Complain(absl::StrCat("accounts: ", status.error_message()));
  pb::CreateAccountsRequest found;
  found.mutable_accounts()->Swap(response.mutable_accounts());
  const auto rows = ledger::ToRows(found);
  if (!rows.ok() || rows->size() != count) {
    return Complain(absl::StrCat(count, " accounts were acknowledged, and ", found.accounts_size(),
                                 " of them are there"));
  }
  for (size_t i = 0; i < count; ++i) {
    ledger::Account& known = accounts_[first + i];
    ledger::Account row = (*rows)[i];
    row.debits_pending = row.debits_posted = row.credits_pending = row.credits_posted = 0;
    if (known.timestamp_ns == 0) known.timestamp_ns = row.timestamp_ns;
    if (row != known) Complain(absl::StrCat("account ", Say(known.id), " has changed"));
  }
}

void Client::CheckTransfers(pb::Ledger::Stub& ledger, size_t first, size_t count) {
  pb::LookupRequest request;
  for (size_t i = 0; i < count; ++i) Add(request, transfers_[first + i].id);
  Context context;
  pb::TransfersResponse response;
  const grpc::Status status = ledger.LookupTransfers(context.get(), request, &response);
  if (!status.ok()) return Complain(absl::StrCat("transfers: ", status.error_message()));
  pb::CreateTransfersRequest found;
  found.mutable_transfers()->Swap(response.mutable_transfers());
  const auto rows = ledger::ToRows(found);
  if (!rows.ok() || rows->size() != count) {
    return Complain(absl::StrCat(count, " transfers were acknowledged, and ",
                                 found.transfers_size(), " of them are there"));
  }
  for (size_t i = 0; i < count; ++i) {
    Transfer& known = transfers_[first + i];
    if (known.timestamp_ns == 0) known.timestamp_ns = (*rows)[i].timestamp_ns;
    if ((*rows)[i] != known) Complain(absl::StrCat("transfer ", Say(known.id), " has changed"));
  }
}

void Client::CheckRefused(pb::Ledger::Stub& ledger, size_t first, size_t count) {
  pb::LookupRequest request;
  for (size_t i = 0; i < count; ++i) Add(request, refused_[first + i]);
  Context context;
  pb::TransfersResponse response;
  const grpc::Status status = ledger.LookupTransfers(context.get(), request, &response);
  if (!status.ok()) return Complain(absl::StrCat("refused: ", status.error_message()));
  if (response.transfers_size() > 0) {
    Complain(absl::StrCat(response.transfers_size(), " transfers are there that were refused"));
  }
}

void Client::Complain(std::string what) {
  if (complaints_.size() < kComplaintsMax) complaints_.push_back(std::move(what));
}

}  // namespace load
