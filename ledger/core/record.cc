#include "ledger/core/record.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/invariant.h"

namespace ledger {
namespace {

// The fixed part, as it stands in memory.
struct Header {
  uint64_t checksum;
  uint32_t magic;
  uint32_t encoded_bytes;
  uint64_t position;
  uint64_t epoch;
  uint64_t timestamp_ns;
  base::Hash256 previous_hash;
  uint8_t kind;
  uint8_t owner_bytes;
  uint8_t successor_bytes;
  uint8_t run_bytes;
  uint32_t body_bytes;
};
static_assert(sizeof(Header) == kRecordBytesMin && std::is_trivially_copyable_v<Header>);

constexpr uint32_t kMagic = 0x32524D48;  // "HMR2"
constexpr size_t kPrefixBytes = offsetof(Header, position);
constexpr size_t kBodyBytesMax = kBatchEventsMax * sizeof(Transfer);
constexpr size_t kNamesBytesMax = 2 * kNodeIdBytesMax + kRunBytesMax;

constexpr size_t RoundUp(size_t bytes) { return (bytes + 7) & ~size_t{7}; }

static_assert(kRecordBytesMin + RoundUp(kNamesBytesMax) + RoundUp(kBodyBytesMax) <=
              kRecordBytesMax);

absl::Status Damaged(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("damaged record: ", what));
}

// What is wrong with a body's size; "" when nothing is.
absl::string_view BodyFault(RecordKind kind, size_t bytes) {
  switch (kind) {
    case RecordKind::kAccounts:
      return bytes % sizeof(Account) != 0 || bytes / sizeof(Account) > kBatchEventsMax
                 ? "body is not a batch of accounts"
                 : "";
    case RecordKind::kTransfers:
      return bytes % sizeof(Transfer) != 0 || bytes / sizeof(Transfer) > kBatchEventsMax
                 ? "body is not a batch of transfers"
                 : "";
    case RecordKind::kBalanceLimits:
      return bytes % sizeof(BalanceLimit) != 0 || bytes / sizeof(BalanceLimit) > kBatchEventsMax
                 ? "body is not a batch of balance limits"
                 : "";
    case RecordKind::kSeal: return bytes != 0 ? "a seal has no body" : "";
    case RecordKind::kOpen: return bytes > kOpenBodyBytesMax ? "body of an open is too long" : "";
    case RecordKind::kCheckpoint:
      return bytes != sizeof(Checkpoint) ? "body is not a checkpoint" : "";
  }
  return "unknown kind";
}

// What is wrong with what a checkpoint says; "" when nothing is.
absl::string_view CheckpointFault(const Record& record) {
  if (record.kind != RecordKind::kCheckpoint) return "";
  const Checkpoint checkpoint = record.checkpoint();
  if (checkpoint.root_position >= record.position) return "root of a position that is not before";
  if (checkpoint.root_position == 0 && checkpoint.root != base::Hash256{}) {
    return "root without a position";
  }
  return "";
}

// What makes a record one that EncodeRecord never writes; "" when nothing does.
absl::string_view Fault(const Record& record) {
  const bool is_seal = record.kind == RecordKind::kSeal;
  if (const auto fault = BodyFault(record.kind, record.body.size()); !fault.empty()) return fault;
  if (record.position == 0) return "position is 0";
  if (record.epoch == 0) return "epoch is 0";
  if (record.owner.empty() || record.owner.size() > kNodeIdBytesMax) return "owner's length";
  if (record.successor.size() > kNodeIdBytesMax) return "successor's length";
  if (record.successor.empty() == is_seal) return "a seal, and only a seal, names a successor";
  if (record.run.size() > kRunBytesMax) return "run's length";
  if (!record.run.empty() && !is_seal) return "only a seal names a run";
  if (record.timestamp_ns < record.event_count()) {
    return "timestamp is below the number of events";
  }
  return CheckpointFault(record);
}

bool AllZero(absl::string_view bytes) {
  return bytes.find_first_not_of('\0') == absl::string_view::npos;
}

// The header of the record at the start of `bytes`, when all of it is there and its checksum holds.
absl::StatusOr<Header> CheckedHeader(absl::string_view bytes) {
  if (bytes.size() < kPrefixBytes) return absl::OutOfRangeError("bytes end inside a record");
  Header header{};
  std::memcpy(&header, bytes.data(), kPrefixBytes);
  if (header.magic != kMagic) return Damaged("it does not start like one");
  if (header.encoded_bytes < kRecordBytesMin || header.encoded_bytes > kRecordBytesMax ||
      header.encoded_bytes % 8 != 0) {
    return Damaged(absl::StrCat("its length cannot be ", header.encoded_bytes));
  }
  if (header.encoded_bytes > bytes.size()) {
    return absl::OutOfRangeError("bytes end inside a record");
  }
  std::memcpy(&header, bytes.data(), sizeof(header));
  const uint64_t checksum = base::Checksum64(bytes.data() + sizeof(header.checksum),
                                             header.encoded_bytes - sizeof(header.checksum));
  if (checksum != header.checksum) return Damaged("its checksum does not hold");
  return header;
}

}  // namespace

absl::Span<const Account> Record::accounts() const {
  if (kind != RecordKind::kAccounts) return {};
  return {reinterpret_cast<const Account*>(body.data()), body.size() / sizeof(Account)};
}

absl::Span<const Transfer> Record::transfers() const {
  if (kind != RecordKind::kTransfers) return {};
  return {reinterpret_cast<const Transfer*>(body.data()), body.size() / sizeof(Transfer)};
}

absl::Span<const BalanceLimit> Record::balance_limits() const {
  if (kind != RecordKind::kBalanceLimits) return {};
  return {reinterpret_cast<const BalanceLimit*>(body.data()), body.size() / sizeof(BalanceLimit)};
}

Checkpoint Record::checkpoint() const {
  INVARIANT(kind == RecordKind::kCheckpoint && body.size() == sizeof(Checkpoint));
  Checkpoint checkpoint;
  std::memcpy(&checkpoint, body.data(), sizeof(checkpoint));
  return checkpoint;
}

void EncodeRecord(Record& record, std::string& out) {
  INVARIANT(Fault(record).empty());
  const size_t names_bytes = record.owner.size() + record.successor.size() + record.run.size();
  Header header{};
  header.magic = kMagic;
  header.encoded_bytes =
      static_cast<uint32_t>(sizeof(Header) + RoundUp(names_bytes) + RoundUp(record.body.size()));
  header.position = record.position;
  header.epoch = record.epoch;
  header.timestamp_ns = record.timestamp_ns;
  header.previous_hash = record.previous_hash;
  header.kind = static_cast<uint8_t>(record.kind);
  header.owner_bytes = static_cast<uint8_t>(record.owner.size());
  header.successor_bytes = static_cast<uint8_t>(record.successor.size());
  header.run_bytes = static_cast<uint8_t>(record.run.size());
  header.body_bytes = static_cast<uint32_t>(record.body.size());

  const size_t start = out.size();
  out.append(reinterpret_cast<const char*>(&header), sizeof(header));
  out.append(record.owner).append(record.successor).append(record.run);
  out.append(RoundUp(names_bytes) - names_bytes, '\0');
  out.append(record.body.data(), record.body.size());
  out.append(RoundUp(record.body.size()) - record.body.size(), '\0');
  INVARIANT(out.size() - start == header.encoded_bytes);

  const uint64_t checksum = base::Checksum64(out.data() + start + sizeof(header.checksum),
                                             header.encoded_bytes - sizeof(header.checksum));
  std::memcpy(out.data() + start, &checksum, sizeof(checksum));
  record.encoded_bytes = header.encoded_bytes;
  record.hash = base::Sha256Of({out.data() + start, header.encoded_bytes});
}

absl::StatusOr<Record> DecodeRecord(absl::string_view bytes) {
  INVARIANT(reinterpret_cast<uintptr_t>(bytes.data()) % 8 == 0);
  const absl::StatusOr<Header> header = CheckedHeader(bytes);
  if (!header.ok()) return header.status();
  bytes = bytes.substr(0, header->encoded_bytes);
  const size_t names_bytes =
      size_t{header->owner_bytes} + header->successor_bytes + header->run_bytes;
  const size_t body_at = sizeof(Header) + RoundUp(names_bytes);
  if (body_at + RoundUp(header->body_bytes) != bytes.size()) return Damaged("lengths of its parts");
  if (!AllZero(bytes.substr(sizeof(Header) + names_bytes, RoundUp(names_bytes) - names_bytes)) ||
      !AllZero(bytes.substr(body_at + header->body_bytes))) {
    return Damaged("its padding is not zero");
  }

  absl::string_view names = bytes.substr(sizeof(Header));
  const auto take_name = [&names](size_t size) {
    std::string name(names.substr(0, size));
    names.remove_prefix(size);
    return name;
  };
  Record record;
  record.kind = static_cast<RecordKind>(header->kind);
  record.position = header->position;
  record.epoch = header->epoch;
  record.timestamp_ns = header->timestamp_ns;
  record.previous_hash = header->previous_hash;
  record.owner = take_name(header->owner_bytes);
  record.successor = take_name(header->successor_bytes);
  record.run = take_name(header->run_bytes);
  record.body = bytes.substr(body_at, header->body_bytes);
  if (const auto fault = Fault(record); !fault.empty()) return Damaged(fault);
  record.encoded_bytes = bytes.size();
  record.hash = base::Sha256Of(bytes);
  return record;
}

}  // namespace ledger
