#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "ledger/node/config.h"
#include "ledger/node/durable_tail.h"
#include "ledger/node/shard.h"
#include "ledger/storage/small_file.h"
#include "tests/ledger/storage/memory_file_system.h"
#include "tests/temporary_folder.h"

namespace ledger {

// The owner's shard, without threads, disk and network: a frame is durable when it is taken.
class ShardBench {
 public:
  static constexpr absl::Duration kCheckpointInterval = absl::Milliseconds(100);

  ShardBench()
      : small_files_(files_, "data"),
        clock_(absl::FromUnixSeconds(1'000)),
        history_(History::Open(base::SystemFileSystem(), {.folder = folder_.path() + "/history"})
                     .value()) {
    pb::NodeConfig config;
    config.set_shard(0);
    config.set_node_id("source");
    config.set_first_owner("source");
    config.set_data_dir("data");
    for (const char* node : {"source", "target"}) {
      pb::Member& member = *config.add_members();
      member.set_node_id(node);
      member.set_address("127.0.0.1:1");
      member.set_public_key(CreateKey(files_, node).value());
    }
    MemberKeys keys = CheckConfig(config).value();
    config.set_data_dir("source");
    auto key = std::make_shared<const base::SigningKey>(LoadKey(files_, config, keys).value());
    shard.emplace(ShardOptions{.config = config,
                               .keys = std::move(keys),
                               .key = std::move(key),
                               .clock = &clock_,
                               .files = &small_files_,
                               .tail = &tail_,
                               .history = history_.get(),
                               .roots = &roots_,
                               .checkpoint_interval = kCheckpointInterval});
    REQUIRE(shard->ReplayDone().ok());
    REQUIRE(shard->AppendFirstOpen().ok());
    Sync();
  }

  void Sync() {
    shard->ApplyPending();
    Frame frame;
    shard->TakeFrame(frame);
    shard->Synced();
  }
  template <typename Row>
  void Write(RecordKind kind, const std::vector<Row>& rows) {
    size_t results = 0;
    shard->Append({.kind = kind,
                   .epoch = 0,
                   .body = {reinterpret_cast<const char*>(rows.data()), rows.size() * sizeof(Row)},
                   .done = [&](const auto& result) { results = result.value().results.size(); }});
    Sync();
    CHECK(results == 0);
  }
  // What the writer does in each of its rounds.
  void Round() {
    shard->PulseIfDue();
    Sync();
  }
  RootKeeper& roots() { return roots_; }
  void Advance(absl::Duration by) { clock_.Advance(by); }
  History& history() { return *history_; }
  std::string history_folder() const { return folder_.path() + "/history"; }
  uint64_t Pending() const { return shard->state().FindAccount({0, 1})->debits_pending; }

 private:
  TemporaryFolder folder_;
  MemoryFileSystem files_;
  SmallFiles small_files_;
  base::ManualClock clock_;
  DurableTail tail_;
  std::unique_ptr<History> history_;
  RootKeeper roots_{clock_};

 public:
  std::optional<Shard> shard;
};

}  // namespace ledger
