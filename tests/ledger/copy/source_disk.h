#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "hamisha/ledger/v1/snapshot.pb.h"
#include "ledger/copy/exports.h"
#include "tests/ledger/storage/log_writer.h"
#include "tests/temporary_folder.h"

namespace ledger {

inline constexpr absl::Duration kKept = absl::Hours(3);

// A node's disk: a log of small segments, snapshots, a history.
struct SourceDisk {
  SourceDisk() {
    auto opened = LogWriter::Open(
        files, {.folder = Path("log"), .segment_bytes = 16'384, .prepares_ahead = false});
    REQUIRE(opened.ok());
    writer = std::move(opened).value();
    snapshots = Snapshots::Open(files, Path("snapshots")).value();
    history = History::Open(files, {.folder = Path("history")}).value();
    OpenExports();
  }

  std::string Path(const std::string& name) const { return folder.path() + "/" + name; }

  void OpenExports() {
    auto opened = Exports::Open({.files = files,
                                 .data_dir = folder.path(),
                                 .shard = 3,
                                 .snapshots = *snapshots,
                                 .history = *history,
                                 .log = *writer.log,
                                 .clock = clock,
                                 .free_bytes = [this] { return free_bytes; },
                                 .free_bytes_min = kFreeMin,
                                 .say = [this](const std::string& it) { said.push_back(it); }},
                                kKept);
    REQUIRE(opened.ok());
    exports = std::move(opened).value();
  }

  // Records up to there, some to a segment.
  void AppendTo(uint64_t position) {
    while (writer.position < position) REQUIRE(writer.Append(20).ok());
  }

  // At the log's end.
  uint64_t TakeSnapshot() {
    auto snapshot = snapshots->Begin({.shard = 3, .position = writer.position, .epoch = 1});
    ::hamisha::ledger::v1::NodeFacts facts;
    facts.set_accounts(77);
    REQUIRE((*snapshot)->Add(kNodeFactsSection, facts.SerializeAsString()).ok());
    REQUIRE((*snapshot)->Add(2, "accounts").ok());
    REQUIRE((*snapshot)->Finish().ok());
    return writer.position;
  }

  bool Has(const std::string& name) { return files.Exists(Path(name)); }

  const TemporaryFolder folder;
  base::FileSystem& files = base::SystemFileSystem();
  static constexpr uint64_t kFreeMin = 1'000;
  uint64_t free_bytes = kFreeMin;
  std::vector<std::string> said;
  base::ManualClock clock{absl::UnixEpoch()};
  LogWriter writer;
  std::unique_ptr<Snapshots> snapshots;
  std::unique_ptr<History> history;
  std::unique_ptr<Exports> exports;
};

}  // namespace ledger
