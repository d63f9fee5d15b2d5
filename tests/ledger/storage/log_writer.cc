#include "tests/ledger/storage/log_writer.h"

#include <utility>

#include "base/status_macros.h"

namespace ledger {

absl::StatusOr<LogWriter> LogWriter::Open(base::FileSystem& files, const LogOptions& options) {
  LogWriter writer;
  ASSIGN_OR_RETURN(writer.log, Log::Open(files, options));
  writer.position = writer.log->first_position() - 1;
  LogReader reader(*writer.log, writer.position + 1);
  while (true) {
    ASSIGN_OR_RETURN(const LogReader::Item* const item, reader.Next());
    if (item == nullptr) break;
    const Record& record = item->record;
    const bool follows = record.previous_hash == writer.hash || writer.hashes.empty();
    if (record.position != ++writer.position || !follows) {
      return absl::DataLossError("the records are no chain");
    }
    writer.hash = record.hash;
    writer.hashes.push_back(record.hash);
  }
  return writer;
}

void LogWriter::Add(size_t events) {
  std::vector<Transfer> transfers(events);
  for (Transfer& transfer : transfers) transfer.id = {position, events};
  Record record;
  record.kind = RecordKind::kTransfers;
  record.position = ++position;
  record.epoch = 1;
  record.timestamp_ns = position * 1'000;
  record.previous_hash = hash;
  record.owner = "source-0";
  record.body = {reinterpret_cast<const char*>(transfers.data()),
                 transfers.size() * sizeof(Transfer)};
  frame.Add(record);
  hash = record.hash;
}

absl::Status LogWriter::Append(size_t events) {
  Add(events);
  return log->Append(frame);
}

}  // namespace ledger
