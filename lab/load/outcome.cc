#include "lab/load/outcome.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "base/invariant.h"
#include "ledger/core/status.h"

namespace lab {
namespace {

using ledger::TransferStatus;

constexpr absl::string_view kFormat = "hamisha-outcomes-1";
constexpr uint8_t kRepeat = 1;
constexpr uint8_t kUnexpected = 2;
constexpr uint8_t kPlannedRefusal = 4;
constexpr uint8_t kEnd = 0xFF;  // In place of a kind.
constexpr uint8_t kLegsMax = 8;

struct FixedRow {
  uint64_t number;
  uint64_t scheduled_us;
  uint64_t latency_us;
  uint64_t reference;
  uint32_t shard;
  uint32_t code;
  uint32_t attempts_failed;
  uint8_t kind;
  uint8_t outcome;
  uint8_t flags;
  uint8_t legs;
};
static_assert(sizeof(FixedRow) == 48 && std::is_trivially_copyable_v<FixedRow>);
static_assert(sizeof(Leg) == 56 && std::is_trivially_copyable_v<Leg>);

uint32_t Code(TransferStatus status) { return static_cast<uint32_t>(status); }

// The `exists` of a chain that had gone through: exists, then linked_event_failed.
bool HadHappened(absl::Span<const uint32_t> codes) {
  return codes[0] == Code(TransferStatus::kExists) &&
         std::all_of(codes.begin() + 1, codes.end(), [](uint32_t code) {
           return code == Code(TransferStatus::kLinkedEventFailed);
         });
}

uint32_t BreakingCode(absl::Span<const uint32_t> codes) {
  for (const uint32_t code : codes) {
    if (code != 0 && code != Code(TransferStatus::kLinkedEventFailed)) return code;
  }
  return Code(TransferStatus::kLinkedEventFailed);
}

void AppendBytes(const void* data, size_t bytes, std::string& out) {
  out.append(static_cast<const char*>(data), bytes);
}

}  // namespace

Answer ReadAnswer(const Transaction& transaction, absl::Span<const uint32_t> codes,
                  bool sent_before) {
  INVARIANT(!codes.empty());
  const auto failed =
      std::count_if(codes.begin(), codes.end(), [](uint32_t code) { return code != 0; });
  if (failed == 0) {
    return {
        .outcome = Outcome::kAcknowledged, .code = 0, .unexpected = transaction.expected_code != 0};
  }
  if (HadHappened(codes)) {
    if (sent_before || transaction.repeat) return {.outcome = Outcome::kAcknowledged};
    // Somebody else used these ids: an earlier run with this seed.
    return {
        .outcome = Outcome::kUnanswered, .code = Code(TransferStatus::kExists), .unexpected = true};
  }
  if (static_cast<size_t>(failed) != codes.size()) {  // Half a chain: no ledger may say that.
    return {.outcome = Outcome::kUnanswered, .code = BreakingCode(codes), .unexpected = true};
  }
  const uint32_t code = BreakingCode(codes);
  const bool expected = code == transaction.expected_code ||
                        code == Code(TransferStatus::kExceedsCredits) ||
                        (sent_before && code == Code(TransferStatus::kIdAlreadyFailed));
  return {
      .outcome = Outcome::kRefused, .code = code, .unexpected = transaction.repeat || !expected};
}

std::string EncodeHeader(const OutcomeHeader& header) {
  const nlohmann::json json = {{"format", std::string(kFormat)},
                               {"shards", header.shape.shards},
                               {"accounts_per_shard", header.shape.accounts_per_shard},
                               {"agents", header.shape.agents},
                               {"tills", header.shape.tills},
                               {"paybills", header.shape.paybills},
                               {"seed", header.seed},
                               {"rate", header.rate},
                               {"started", header.started}};
  return json.dump() + "\n";
}

absl::StatusOr<OutcomeHeader> TakeHeader(absl::string_view& bytes) {
  const size_t end = bytes.find('\n');
  if (end == absl::string_view::npos) return absl::OutOfRangeError("the header is not complete");
  const auto json = nlohmann::json::parse(bytes.begin(), bytes.begin() + end, nullptr, false);
  try {
    if (json.at("format").get<std::string>() != kFormat) {
      return absl::InvalidArgumentError(absl::StrCat("the format is not ", kFormat));
    }
    OutcomeHeader header;
    header.shape = {.shards = json.at("shards").get<uint32_t>(),
                    .accounts_per_shard = json.at("accounts_per_shard").get<uint32_t>(),
                    .agents = json.at("agents").get<uint32_t>(),
                    .tills = json.at("tills").get<uint32_t>(),
                    .paybills = json.at("paybills").get<uint32_t>()};
    header.seed = json.at("seed").get<uint64_t>();
    header.rate = json.at("rate").get<double>();
    header.started = json.at("started").get<std::string>();
    bytes.remove_prefix(end + 1);
    return header;
  } catch (const nlohmann::json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("not a header of outcomes: ", error.what()));
  }
}

void AppendRow(const OutcomeRow& row, std::string& out) {
  INVARIANT(row.legs.size() <= kLegsMax);
  const int flags = (row.repeat ? kRepeat : 0) | (row.answer.unexpected ? kUnexpected : 0) |
                    (row.planned_refusal ? kPlannedRefusal : 0);
  const FixedRow fixed{.number = row.number,
                       .scheduled_us = row.scheduled_us,
                       .latency_us = row.latency_us,
                       .reference = row.reference,
                       .shard = row.shard,
                       .code = row.answer.code,
                       .attempts_failed = row.attempts_failed,
                       .kind = static_cast<uint8_t>(row.kind),
                       .outcome = static_cast<uint8_t>(row.answer.outcome),
                       .flags = static_cast<uint8_t>(flags),
                       .legs = static_cast<uint8_t>(row.legs.size())};
  AppendBytes(&fixed, sizeof(fixed), out);
  AppendBytes(row.legs.data(), row.legs.size() * sizeof(Leg), out);
}

void AppendEnd(uint64_t rows, std::string& out) {
  FixedRow fixed{};
  fixed.number = rows;
  fixed.kind = kEnd;
  AppendBytes(&fixed, sizeof(fixed), out);
}

absl::StatusOr<std::optional<TakenRow>> TakeRow(absl::string_view& bytes) {
  FixedRow fixed{};
  if (bytes.size() < sizeof(fixed)) return std::nullopt;
  std::memcpy(&fixed, bytes.data(), sizeof(fixed));
  TakenRow taken;
  if (fixed.kind == kEnd) {
    bytes.remove_prefix(sizeof(fixed));
    taken.end = true;
    taken.end_rows = fixed.number;
    return taken;
  }
  if (fixed.kind == 0 || fixed.kind > static_cast<uint8_t>(Kind::kReversal) || fixed.outcome == 0 ||
      fixed.outcome > static_cast<uint8_t>(Outcome::kUnanswered) || fixed.legs > kLegsMax) {
    return absl::DataLossError(
        absl::StrCat("the row of transaction ", fixed.number, " is damaged; run the load again"));
  }
  const size_t total = sizeof(fixed) + fixed.legs * sizeof(Leg);
  if (bytes.size() < total) return std::nullopt;
  OutcomeRow& row = taken.row;
  row.number = fixed.number;
  row.scheduled_us = fixed.scheduled_us;
  row.latency_us = fixed.latency_us;
  row.reference = fixed.reference;
  row.shard = fixed.shard;
  row.attempts_failed = fixed.attempts_failed;
  row.kind = static_cast<Kind>(fixed.kind);
  row.repeat = (fixed.flags & kRepeat) != 0;
  row.planned_refusal = (fixed.flags & kPlannedRefusal) != 0;
  row.answer = {.outcome = static_cast<Outcome>(fixed.outcome),
                .code = fixed.code,
                .unexpected = (fixed.flags & kUnexpected) != 0};
  row.legs.resize(fixed.legs);
  if (fixed.legs > 0) {
    std::memcpy(row.legs.data(), bytes.data() + sizeof(fixed), fixed.legs * sizeof(Leg));
  }
  bytes.remove_prefix(total);
  return taken;
}

}  // namespace lab
