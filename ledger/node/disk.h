#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/folder_lock.h"
#include "ledger/history/history.h"
#include "ledger/node/durable_tail.h"
#include "ledger/node/node.h"
#include "ledger/node/shard.h"
#include "ledger/storage/log.h"
#include "ledger/storage/small_file.h"
#include "ledger/storage/snapshots.h"

namespace ledger {

// What a node is without threads and network: what stands on its disk, and the shard that it makes.
struct Disk {
  // Takes the folder, and reads back the newest snapshot that is whole, and that leads to what the
  // log behind it says of the state; the whole log when there is none. DATA_LOSS says what is
  // damaged and what to do.
  absl::Status Open();

  NodeOptions options;
  std::optional<base::FolderLock> lock;
  std::optional<SmallFiles> small_files;
  DurableTail tail;
  std::unique_ptr<Log> log;
  std::unique_ptr<Snapshots> snapshots;
  std::unique_ptr<History> history;
  std::unique_ptr<RootKeeper> roots;  // Of this shard.
  std::optional<Shard> shard;
  uint64_t snapshot_log_bytes = 0;  // Bytes of log before the snapshot that was read back.

 private:
  void Say(const std::string& sentence) const;
  absl::Status OpenFiles();
  absl::StatusOr<std::unique_ptr<History>> OpenHistory() const;
  void NewShard();
  // The position of the newest that can be used; 0 when there is none.
  absl::StatusOr<uint64_t> LoadNewestSnapshot();
  absl::Status LoadSnapshot(uint64_t position);
  // That and the log behind it, or one before it when its state is not what the log says.
  absl::Status LoadState();
  absl::Status Replay();
  void PassOver(uint64_t position, absl::string_view why);

  std::vector<uint64_t> unusable_;  // Snapshots that were passed over.
  MemberKeys keys_;
  std::shared_ptr<const base::SigningKey> key_;
};

}  // namespace ledger
