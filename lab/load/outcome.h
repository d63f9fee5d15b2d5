// What became of each transaction, and the file that keeps it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "lab/load/accounts.h"
#include "lab/load/generator.h"

namespace lab {

enum class Outcome : uint8_t {
  kAcknowledged = 1,  // Told that it happened.
  kRefused = 2,       // Told that it did not and will not.
  kUnanswered = 3,    // Either may be.
};

// In place of a TransferStatus where a gRPC status said that a call was not executed:
// kGrpcCodeBase + status.
inline constexpr uint32_t kGrpcCodeBase = 10'000;

struct Answer {
  Outcome outcome = Outcome::kUnanswered;
  uint32_t code = 0;        // Refused: the TransferStatus that broke the chain.
  bool unexpected = false;  // A user would call it an error.
  friend bool operator==(const Answer&, const Answer&) = default;
};

// Reads the answer to one chain: a TransferStatus for each leg, 0 for success. `sent_before`: an
// earlier attempt with the same ids may have been executed, so that `exists` means "done".
Answer ReadAnswer(const Transaction& transaction, absl::Span<const uint32_t> codes,
                  bool sent_before);

// One row of the file.
struct OutcomeRow {
  uint64_t number = 0;
  uint64_t scheduled_us = 0;  // Since the start of the run.
  uint64_t latency_us = 0;    // From the scheduled time to the answer (or to giving up).
  uint64_t reference = 0;     // Repeat, reversal: the other one's number.
  uint32_t shard = 0;
  uint32_t attempts_failed = 0;  // Attempts that ended with another gRPC status than OK.
  Kind kind = Kind::kSend;
  bool repeat = false;  // Then it has no legs: they are the other one's.
  bool planned_refusal = false;
  Answer answer;
  std::vector<Leg> legs;
  friend bool operator==(const OutcomeRow&, const OutcomeRow&) = default;
};

// The first line of the file, JSON.
struct OutcomeHeader {
  Shape shape;
  uint64_t seed = 0;
  double rate = 0;
  std::string started;  // RFC 3339.
  friend bool operator==(const OutcomeHeader&, const OutcomeHeader&) = default;
};

// The file: the header's line, rows (little-endian), and an end row where the run ended in order.
std::string EncodeHeader(const OutcomeHeader& header);
void AppendRow(const OutcomeRow& row, std::string& out);
void AppendEnd(uint64_t rows, std::string& out);

// Takes the header's line (with its newline) off the front of `bytes`. INVALID_ARGUMENT unless it
// is one; OUT_OF_RANGE when it is not complete.
absl::StatusOr<OutcomeHeader> TakeHeader(absl::string_view& bytes);

struct TakenRow {
  bool end = false;       // The end row: the file is complete.
  uint64_t end_rows = 0;  // As it was written there.
  OutcomeRow row;
};
// Takes one row off the front of `bytes`; none when they end inside it. DATA_LOSS on nonsense.
absl::StatusOr<std::optional<TakenRow>> TakeRow(absl::string_view& bytes);

}  // namespace lab
