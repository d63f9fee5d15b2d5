#include "ledger/node/snapshotter.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/notification.h"
#include "base/status_macros.h"

namespace ledger {
namespace {

constexpr absl::Duration kLookEvery = absl::Milliseconds(200);
constexpr uint64_t kEveryLogBytesByDefault = uint64_t{1} << 30;
// So that the log, which clients wait for, has most of the disk.
constexpr double kWriteBytesPerSecond = 256e6;
// Between two steps of removing an old one, which some file systems make syncs wait for.
constexpr absl::Duration kRemovingPause = absl::Milliseconds(15);
constexpr absl::Duration kRemovingPauseInHaste = absl::Milliseconds(1);

}  // namespace

Snapshotter::Snapshotter(SnapshotterParts parts, SnapshotterOptions options, uint64_t log_bytes)
    : parts_(parts), options_(std::move(options)), log_bytes_(log_bytes) {
  thread_ = std::thread([this] { Loop(); });
}

Snapshotter::~Snapshotter() { Stop(); }

void Snapshotter::Stop() {
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void Snapshotter::Take(std::function<void(const absl::StatusOr<Taken>&)> done) {
  absl::Status status;
  {
    const absl::MutexLock lock(&mutex_);
    if (stopping_) {
      status = absl::UnavailableError("the node is stopping");
    } else if (is_taking_ || asked_) {
      status = absl::AbortedError("a snapshot is being taken; ask again when it is done");
    } else {
      asked_ = std::move(done);
      return;
    }
  }
  done(status);
}

bool Snapshotter::IsDue() const {
  const uint64_t every =
      options_.every_log_bytes == 0 ? kEveryLogBytesByDefault : options_.every_log_bytes;
  // A snapshot that is larger than the log behind it would save a start less than it costs.
  return parts_.tail.Get().bytes >= log_bytes_ + std::max(every, snapshot_bytes_);
}

void Snapshotter::Loop() {
  const auto is_wanted = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || asked_ != nullptr;
  };
  while (true) {
    RemoveRest();
    std::function<void(const absl::StatusOr<Taken>&)> asked;
    {
      const absl::MutexLock lock(&mutex_);
      mutex_.AwaitWithTimeout(absl::Condition(&is_wanted), kLookEvery);
      asked = std::exchange(asked_, nullptr);
      if (stopping_) {
        if (asked) asked(absl::UnavailableError("the node is stopping"));
        return;
      }
      if (!asked && !IsDue()) continue;
      log_bytes_ = std::max(log_bytes_, parts_.tail.Get().bytes);
      is_taking_ = true;
    }
    const absl::StatusOr<Taken> taken = TakeNow(asked != nullptr);
    if (taken.ok()) snapshot_bytes_ = taken->bytes;
    if (!taken.ok() && options_.say) {
      options_.say(absl::StrCat("no snapshot was taken: ", taken.status().message()));
    }
    {
      const absl::MutexLock lock(&mutex_);
      is_taking_ = false;
    }
    if (asked) asked(taken);  // Who is answered may ask for the next one at once.
  }
}

// Runs `work` on the writer thread and waits until all that it saw is durable.
template <typename Work>
absl::Status Snapshotter::OnWriter(Work work) {
  absl::Notification done;
  absl::Status status;
  RETURN_IF_ERROR(parts_.writer.Run([&](Shard& shard) {
    work(shard);
    shard.WhenDurable([&](const absl::Status& durable) {
      status = durable;
      done.Notify();
    });
  }));
  done.WaitForNotification();
  return status;
}

absl::StatusOr<Snapshotter::Taken> Snapshotter::TakeNow(bool is_awaited) {
  absl::StatusOr<FrozenShard> frozen = absl::InternalError("");
  const absl::Status durable = OnWriter([&](Shard& shard) { frozen = shard.Freeze(); });
  RETURN_IF_ERROR(frozen.status());
  const absl::StatusOr<Taken> taken =
      durable.ok() ? Write(*frozen) : absl::StatusOr<Taken>(durable);
  RETURN_IF_ERROR(OnWriter([&](Shard& shard) { shard.Thaw(std::move(frozen->image)); }));
  RETURN_IF_ERROR(taken.status());
  RETURN_IF_ERROR(GiveUpOld(is_awaited));
  return taken;
}

absl::StatusOr<Snapshotter::Taken> Snapshotter::Write(const FrozenShard& frozen) {
  ASSIGN_OR_RETURN(const std::unique_ptr<SnapshotWriter> writer,
                   parts_.snapshots.Begin(frozen.facts));
  const std::string node = frozen.node.SerializeAsString();
  for (size_t at = 0; at < node.size(); at += kSnapshotPayloadBytesMax) {
    RETURN_IF_ERROR(writer->Add(kNodeFactsSection,
                                absl::string_view(node).substr(at, kSnapshotPayloadBytesMax)));
  }
  // Who has fallen behind does not catch up: a burst would keep others from a processor.
  absl::Duration due = options_.clock->MonotonicNow();
  const auto add = [&](uint32_t section, absl::string_view bytes) -> absl::Status {
    RETURN_IF_ERROR(writer->Add(section, bytes));
    due = std::max(due, options_.clock->MonotonicNow()) +
          absl::Seconds(static_cast<double>(bytes.size()) / kWriteBytesPerSecond);
    return AwaitTime(due);
  };
  RETURN_IF_ERROR(frozen.image->Write(add));
  // It must not be ahead of the log, nor of the history, neither of which can do without it then.
  if (!parts_.history.AwaitFlushed(frozen.reached)) {
    RETURN_IF_ERROR(parts_.history.status());
    return absl::CancelledError("the node is stopping");
  }
  RETURN_IF_ERROR(writer->Finish());
  return Taken{.position = frozen.facts.position, .bytes = writer->file_bytes()};
}

absl::Status Snapshotter::AwaitTime(absl::Duration due) {
  const absl::Duration left = due - options_.clock->MonotonicNow();
  if (left < absl::Milliseconds(1)) return absl::OkStatus();
  const absl::MutexLock lock(&mutex_);
  if (!mutex_.AwaitWithTimeout(absl::Condition(&stopping_), left)) return absl::OkStatus();
  return absl::CancelledError("the node is stopping");
}

void Snapshotter::RemoveRest() {
  if (!options_.remove_rest) return;
  const auto pause = [this]() -> absl::Status {
    bool is_wanted = IsDue();
    {
      const absl::MutexLock lock(&mutex_);
      is_wanted |= asked_ != nullptr;
    }
    if (is_wanted) return absl::CancelledError("a snapshot comes first");
    return AwaitTime(options_.clock->MonotonicNow() + kRemovingPause);
  };
  const absl::Status status = options_.remove_rest(pause);
  const bool is_news = !status.ok() && !absl::IsCancelled(status) && status != removed_;
  if (is_news && options_.say) {
    options_.say(absl::StrCat("what copies left cannot be removed: ", status.message()));
  }
  removed_ = status;
}

absl::Status Snapshotter::GiveUpOld(bool is_awaited) {
  const auto pause = [&] {
    return AwaitTime(options_.clock->MonotonicNow() +
                     (is_awaited || IsDue() ? kRemovingPauseInHaste : kRemovingPause));
  };
  RETURN_IF_ERROR(parts_.snapshots.Prune(pause));
  if (!options_.give_up_log) return absl::OkStatus();
  ASSIGN_OR_RETURN(const uint64_t position, parts_.snapshots.TrimPosition());
  return options_.give_up_log(position);
}

}  // namespace ledger
