#include "benchmarks/difference/faults.h"

#include <algorithm>
#include <cstdio>
#include <regex>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "benchmarks/common/figures.h"
#include "rpc/rpc.h"

namespace benchmarks {
namespace {

namespace pb = ::hamisha::ledger::v1;

constexpr double kTimeoutS = 300;
constexpr uint64_t kOwnIds = 2;  // The upper half of this program's transfers' ids.

const char* TextOf(FaultKind kind) {
  switch (kind) {
    case FaultKind::kFlippedBit: return "one bit of one account flipped";
    case FaultKind::kAppliedTwice: return "one transfer applied twice";
    case FaultKind::kExchangedBalances: return "two accounts' balances exchanged";
    case FaultKind::kDroppedRecord: return "one record dropped";
  }
  return "";
}

template <typename Stub, typename Request, typename Response>
absl::Status Call(Stub& stub,
                  grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                  const Request& request, Response& response) {
  grpc::ClientContext context;
  return rpc::FromGrpc((stub.*method)(&context, request, &response));
}

// 32 hexadecimal digits.
std::string IdText(uint64_t number) {
  return absl::StrCat(absl::Hex(uint64_t{0}, absl::kZeroPad16),
                      absl::Hex(number, absl::kZeroPad16));
}

uint64_t NumberOf(const std::string& id) {
  uint64_t number = 0;
  return absl::SimpleHexAtoi(id.substr(id.size() - 16), &number) ? number : 0;
}

std::set<std::string> AccountsIn(const std::string& text) {
  static const std::regex kAccount("account ([0-9a-f]{32})");
  std::set<std::string> accounts;
  for (std::sregex_iterator match(text.begin(), text.end(), kAccount), end; match != end; ++match) {
    accounts.insert((*match)[1]);
  }
  return accounts;
}

}  // namespace

nlohmann::json ToJson(const FaultOutcome& outcome) {
  return {{"fault", TextOf(outcome.kind)},
          {"found_by", outcome.by == FoundBy::kChallenge ? "challenge" : "state root"},
          {"planted", outcome.planted},
          {"named", outcome.named},
          {"is_right", outcome.is_right()},
          {"planted_to_detected_s", outcome.planted_to_detected_s},
          {"detected_to_named_ms", outcome.detected_to_named_ms},
          {"exchanges", outcome.exchanges},
          {"exchanged_bytes", outcome.exchanged_bytes},
          {"said", outcome.said}};
}

std::string NameOf(const FaultOutcome& outcome) {
  return absl::StrCat(TextOf(outcome.kind), ", found by a ",
                      outcome.by == FoundBy::kChallenge ? "challenge" : "state root");
}

void Sentences::Hear(const std::string& sentence) {
  if (!absl::StartsWith(sentence, "where the state roots differ")) return;
  const absl::MutexLock lock(&mutex_);
  found_ = sentence;
}

void Sentences::Forget() {
  const absl::MutexLock lock(&mutex_);
  found_.clear();
}

std::string Sentences::Found() const {
  const absl::MutexLock lock(&mutex_);
  return found_;
}

FaultTrials::FaultTrials(NodePair& pair, BackgroundLoad& load, Sentences& sentences,
                         uint64_t accounts, const std::atomic<bool>& stop)
    : pair_(pair), load_(load), sentences_(sentences), accounts_(accounts), stop_(stop) {}

void FaultTrials::Connect() {
  ledger_ = pb::Ledger::NewStub(rpc::Connect(pair_.source()));
  faults_ = pb::Faults::NewStub(rpc::Connect(pair_.target()));
  verification_ = pb::Verification::NewStub(rpc::Connect(pair_.target()));
}

absl::StatusOr<FaultOutcome> FaultTrials::Try(FaultKind kind, FoundBy by) {
  if (is_damaged_) RETURN_IF_ERROR(pair_.RestartTarget());
  is_damaged_ = true;
  RETURN_IF_ERROR(AwaitReady());
  Connect();
  sentences_.Forget();
  FaultOutcome outcome;
  outcome.kind = kind;
  outcome.by = by;
  ASSIGN_OR_RETURN(outcome.planted, Plant(kind));
  const double planted_s = SecondsNow();
  if (by == FoundBy::kStateRoot) {
    if (kind != FaultKind::kDroppedRecord) RETURN_IF_ERROR(TouchDamaged(outcome.planted));
    RETURN_IF_ERROR(AwaitStateRoot(planted_s, outcome));
  } else {
    RETURN_IF_ERROR(AwaitChallenge(outcome));
  }
  outcome.named = AccountsIn(outcome.said);
  return outcome;
}

absl::Status FaultTrials::Await(absl::string_view late, absl::Duration pause,
                                absl::FunctionRef<absl::StatusOr<bool>()> is_so) {
  for (const double begin = SecondsNow(); SecondsNow() - begin < kTimeoutS;) {
    if (stop_) return absl::CancelledError("interrupted");
    ASSIGN_OR_RETURN(const bool is_done, is_so());
    if (is_done) return absl::OkStatus();
    absl::SleepFor(pause);
  }
  return absl::DeadlineExceededError(late);
}

absl::Status FaultTrials::AwaitReady() {
  uint64_t checked = 0;  // When the trees were whole.
  const auto is_compared = [&]() -> absl::StatusOr<bool> {
    const auto source = pair_.SourceStatus();
    const auto target = pair_.TargetStatus();
    if (target.ok() && !target->fault().empty()) return absl::InternalError(target->fault());
    const bool is_whole = source.ok() && target.ok() && source->accounts_unhashed() == 0 &&
                          target->accounts_unhashed() == 0 && target->accounts() == accounts_ &&
                          target->position() + 1'000 >= source->position();
    if (is_whole && checked == 0) checked = target->roots_checked() + 1;
    // Now roots are compared that are of all accounts.
    return is_whole && target->roots_checked() > checked;
  };
  return Await("the two do not come to compare state roots", absl::Milliseconds(20), is_compared);
}

// --- Planting ---

absl::StatusOr<std::set<std::string>> FaultTrials::Plant(FaultKind kind) {
  switch (kind) {
    case FaultKind::kFlippedBit: return FlipBit();
    case FaultKind::kAppliedTwice: return ApplyTwice();
    case FaultKind::kExchangedBalances: return ExchangeBalances();
    case FaultKind::kDroppedRecord: return DropRecord();
  }
  return absl::InternalError("no such fault");
}

absl::StatusOr<std::set<std::string>> FaultTrials::FlipBit() {
  pb::FlipStateBitRequest request;
  request.set_account_low(accounts_ / 3 * 2 + 7);
  pb::FlipStateBitResponse response;
  RETURN_IF_ERROR(Call(*faults_, &pb::Faults::Stub::FlipStateBit, request, response));
  return std::set<std::string>{response.account_id()};
}

absl::StatusOr<std::set<std::string>> FaultTrials::ApplyTwice() {
  pb::ApplyTwiceRequest request;
  request.set_transfer_high(kOwnIds);
  ASSIGN_OR_RETURN(const uint64_t id, Transfer(accounts_ / 4, accounts_ / 5 * 4, 1'234));
  request.set_transfer_low(id);
  pb::FaultResponse response;
  RETURN_IF_ERROR(Call(*faults_, &pb::Faults::Stub::ApplyTwice, request, response));
  return std::set<std::string>(response.account_ids().begin(), response.account_ids().end());
}

// The first two of the shard that differ: two that do are seen to.
absl::StatusOr<std::set<std::string>> FaultTrials::ExchangeBalances() {
  RETURN_IF_ERROR(Transfer(1, accounts_, 4'321).status());
  pb::FaultResponse response;
  RETURN_IF_ERROR(
      Call(*faults_, &pb::Faults::Stub::ExchangeBalances, pb::ExchangeBalancesRequest(), response));
  return std::set<std::string>(response.account_ids().begin(), response.account_ids().end());
}

absl::StatusOr<std::set<std::string>> FaultTrials::DropRecord() {
  const uint64_t debit = accounts_ / 7;
  const uint64_t credit = accounts_ / 9 * 8;
  // So that it is known which record is the next.
  load_.Pause();
  RETURN_IF_ERROR(Transfer(1, 2, 1).status());
  pb::FaultResponse response;
  RETURN_IF_ERROR(Call(*faults_, &pb::Faults::Stub::DropRecord, pb::DropRecordRequest(), response));
  const absl::Status dropped = Transfer(debit, credit, 77).status();
  load_.Resume();
  RETURN_IF_ERROR(dropped);
  return std::set<std::string>{IdText(debit), IdText(credit)};
}

absl::StatusOr<uint64_t> FaultTrials::Transfer(uint64_t debit, uint64_t credit, uint64_t amount) {
  pb::CreateTransfersRequest request;
  pb::Transfer& transfer = *request.add_transfers();
  const uint64_t id = ++transfers_;
  transfer.mutable_id()->set_high(kOwnIds);
  transfer.mutable_id()->set_low(id);
  transfer.mutable_debit_account_id()->set_low(debit);
  transfer.mutable_credit_account_id()->set_low(credit);
  transfer.set_amount(amount);
  transfer.set_ledger(1);
  transfer.set_code(1);
  pb::CreateResponse response;
  RETURN_IF_ERROR(Call(*ledger_, &pb::Ledger::Stub::CreateTransfers, request, response));
  if (response.results_size() > 0) {
    return absl::InternalError("a transfer was not created: " +
                               response.results(0).ShortDebugString());
  }
  const uint64_t position = response.commits(0).position();
  const auto is_there = [&]() -> absl::StatusOr<bool> {
    const auto target = pair_.TargetStatus();
    return target.ok() && target->position() >= position;
  };
  RETURN_IF_ERROR(Await("the target does not follow", absl::Milliseconds(1), is_there));
  return id;
}

// A transfer from one to the other, or to the next: their hashes are found again.
absl::Status FaultTrials::TouchDamaged(const std::set<std::string>& accounts) {
  const uint64_t debit = NumberOf(*accounts.begin());
  const uint64_t credit = accounts.size() > 1 ? NumberOf(*accounts.rbegin()) : debit + 1;
  return Transfer(debit, credit, 1).status();
}

// --- Finding ---

absl::Status FaultTrials::AwaitChallenge(FaultOutcome& outcome) {
  pb::VerifyAgainstRequest request;
  request.set_node_id("source");
  pb::VerifyAgainstResponse verified;
  RETURN_IF_ERROR(Call(*verification_, &pb::Verification::Stub::VerifyAgainst, request, verified));
  if (verified.equal()) return absl::InternalError("the challenge finds no difference");
  const auto seconds = [](const google::protobuf::Duration& duration) {
    return static_cast<double>(duration.seconds()) + 1e-9 * duration.nanos();
  };
  outcome.planted_to_detected_s = seconds(verified.hashing());
  outcome.detected_to_named_ms = 1e3 * seconds(verified.search());
  outcome.exchanges = verified.exchanges();
  outcome.exchanged_bytes = verified.exchanged_bytes();
  outcome.said = verified.difference();
  return absl::OkStatus();
}

absl::Status FaultTrials::AwaitStateRoot(double planted_s, FaultOutcome& outcome) {
  double detected_s = 0;
  const auto is_named = [&]() -> absl::StatusOr<bool> {
    ASSIGN_OR_RETURN(const pb::NodeStatus status, pair_.TargetStatus());
    const double now_s = SecondsNow();
    if (status.state_differs() && detected_s == 0) detected_s = now_s;
    if (AccountsIn(status.fault()).empty()) return false;
    outcome.planted_to_detected_s = detected_s - planted_s;
    outcome.said = sentences_.Found();
    unsigned long ms = 0;  // NOLINT(google-runtime-int): what sscanf reads.
    // NOLINTNEXTLINE(cert-err34-c): a sentence of ours.
    const int read = std::sscanf(outcome.said.c_str(),
                                 "where the state roots differ was found in %lu ms, by %lu "
                                 "exchanges of %lu bytes",
                                 &ms, &outcome.exchanges, &outcome.exchanged_bytes);
    if (read != 3) return absl::InternalError("not found by the trees: " + status.fault());
    // What was detected before the first question the node has timed.
    outcome.detected_to_named_ms = std::max(1e3 * (now_s - detected_s), static_cast<double>(ms));
    return true;
  };
  return Await("the state roots do not come to differ", absl::Milliseconds(1), is_named);
}

}  // namespace benchmarks
