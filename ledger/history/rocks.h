// RocksDB's side of history: what both reading and writing of runs need. Not for others.
#pragma once

#include <rocksdb/slice.h>
#include <rocksdb/status.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace ledger {

inline absl::Status FromRocks(const rocksdb::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const std::string words = absl::StrCat("history: ", status.ToString());
  if (status.IsCorruption()) return absl::DataLossError(words);
  if (status.IsNoSpace()) return absl::ResourceExhaustedError(words);
  return absl::UnavailableError(words);
}

inline rocksdb::Slice ToSlice(absl::string_view bytes) { return {bytes.data(), bytes.size()}; }
inline absl::string_view ToView(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

}  // namespace ledger
