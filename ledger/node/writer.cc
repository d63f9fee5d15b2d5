#include "ledger/node/writer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace ledger {
namespace {

// A frame that reached this takes nothing more: the next sync is waited for.
constexpr uint64_t kFrameBytesMax = 8 << 20;
// Taken from the queue at once.
constexpr uint64_t kTakenBytesMax = 4 << 20;
constexpr size_t kTakenMax = 4'096;
// The wall clock may be set: look at it at least this often while something is to expire.
constexpr absl::Duration kClockLook = absl::Seconds(1);

}  // namespace

Writer::Writer(Shard& shard, Log& log, WriterOptions options)
    : shard_(shard), log_(log), options_(std::move(options)) {
  writer_thread_ = std::thread([this] { Loop(); });
  sync_thread_ = std::thread([this] { SyncLoop(); });
}

Writer::~Writer() { Stop(); }

absl::Status Writer::Submit(Batch batch) {
  const uint64_t bytes = batch.body.size();
  if (CommitLatency* const latency = options_.latency; latency != nullptr) {
    batch.done = [latency, come = latency->Come(),
                  done = std::move(batch.done)](const absl::StatusOr<BatchResult>& result) {
      if (result.ok()) latency->Answered(come);
      done(result);
    };
  }
  return Enqueue({std::move(batch), bytes, true});
}

absl::Status Writer::Submit(Task task) { return Enqueue({std::move(task), 0, true}); }

absl::Status Writer::Run(Task task) { return Enqueue({std::move(task), 0, false}); }

absl::Status Writer::Enqueue(Command command) {
  const absl::MutexLock lock(&mutex_);
  if (stopping_) return absl::UnavailableError("the node is stopping");
  if (command.is_counted) {
    if (queued_requests_ >= options_.requests_max ||
        queued_bytes_ + command.bytes > options_.bytes_max) {
      return absl::ResourceExhaustedError(
          absl::StrCat("the node is busy: ", queued_requests_, " requests with ", queued_bytes_,
                       " bytes wait; send this one again later, with the same ids"));
    }
    ++queued_requests_;
    queued_bytes_ += command.bytes;
  }
  queue_.push_back(std::move(command));
  return absl::OkStatus();
}

void Writer::Stop() {
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (writer_thread_.joinable()) writer_thread_.join();
  if (sync_thread_.joinable()) sync_thread_.join();
}

bool Writer::HasWork() const {
  return io_ == Io::kDone || (!queue_.empty() && has_room_ && !is_behind_) ||
         (stopping_ && io_ == Io::kIdle && !is_behind_);
}

void Writer::Loop() {
  std::vector<Command> taken;
  while (true) {
    bool is_synced = false;
    bool may_pulse = false;
    absl::Status status;
    {
      const absl::Duration due_in = UntilDue();
      const absl::MutexLock lock(&mutex_);
      const bool waits_for_due = has_room_ && !is_behind_ && !stopping_;
      mutex_.AwaitWithTimeout(absl::Condition(this, &Writer::HasWork),
                              waits_for_due ? due_in : absl::InfiniteDuration());
      is_synced = io_ == Io::kDone;
      if (is_synced) {
        io_ = Io::kIdle;
        status = io_status_;
      } else if (queue_.empty() && stopping_ && io_ == Io::kIdle) {
        ended_ = true;
        return;
      }
      if ((is_synced || has_room_) && !is_behind_) TakeCommands(taken);
      may_pulse = has_room_ && !is_behind_ && !stopping_;
    }
    if (is_synced) FinishSync(status);
    Execute(taken);
    if (may_pulse) {
      shard_.PulseIfDue();
      shard_.CheckpointIfDue();
    }
    StartSync();
    shard_.ApplyPending();
    ReportFailure();
  }
}

// Until the shard has something to do of its own.
absl::Duration Writer::UntilDue() const {
  const absl::Duration pulse_in = shard_.UntilPulse();
  const absl::Duration look_in =
      pulse_in == absl::InfiniteDuration() ? pulse_in : std::min(pulse_in, kClockLook);
  return std::min(look_in, shard_.UntilCheckpoint());
}

void Writer::TakeCommands(std::vector<Command>& taken) {
  uint64_t bytes = 0;
  while (!queue_.empty() && bytes < kTakenBytesMax && taken.size() < kTakenMax) {
    Command& command = queue_.front();
    bytes += command.bytes;
    if (command.is_counted) {
      --queued_requests_;
      queued_bytes_ -= command.bytes;
    }
    taken.push_back(std::move(command));
    queue_.pop_front();
  }
}

void Writer::Execute(std::vector<Command>& taken) {
  for (Command& command : taken) {
    if (Batch* const batch = std::get_if<Batch>(&command.work)) {
      shard_.Append(std::move(*batch));
      continue;
    }
    shard_.ApplyPending();
    std::get<Task>(command.work)(shard_);
  }
  taken.clear();
  shard_.CloseGroup();
}

void Writer::StartSync() {
  const absl::MutexLock lock(&mutex_);
  if (io_ == Io::kIdle && shard_.frame_bytes() > 0) {
    io_mark_ = shard_.TakeFrame(io_frame_);
    io_timestamp_ns_ = shard_.taken_timestamp_ns();
    if (options_.latency != nullptr) options_.latency->BeginWrite();
    io_ = Io::kWork;
  }
  has_room_ = shard_.frame_bytes() < kFrameBytesMax;
  is_behind_ = shard_.failed().ok() && shard_.history().ok() && shard_.history().IsBehind();
}

size_t Writer::requests_waiting() const {
  const absl::MutexLock lock(&mutex_);
  return queued_requests_;
}

void Writer::CaughtUp() {
  const absl::MutexLock lock(&mutex_);
  is_behind_ = false;
}

void Writer::FinishSync(const absl::Status& status) {
  if (!shard_.failed().ok()) return;
  if (status.ok()) {
    shard_.Synced();
  } else {
    shard_.Fail(status);
  }
}

void Writer::ReportFailure() {
  if (shard_.failed().ok() || is_failure_reported_) return;
  is_failure_reported_ = true;
  if (options_.on_fatal) options_.on_fatal(shard_.failed());
}

void Writer::SyncLoop() {
  const auto has_work = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return io_ == Io::kWork || ended_;
  };
  while (true) {
    {
      const absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(&has_work));
      if (io_ != Io::kWork) break;
    }
    absl::Status status = log_.Append(io_frame_);
    // A mark behind it: damage to this frame can then never pass for a torn tail.
    if (status.ok() && io_mark_) status = log_.Append(io_frame_);
    if (options_.latency != nullptr) options_.latency->EndWrite();
    if (status.ok() && options_.on_durable) options_.on_durable(io_timestamp_ns_);
    const absl::MutexLock lock(&mutex_);
    io_status_ = std::move(status);
    io_ = Io::kDone;
  }
  // A clean end. An error changes nothing: the next start marks.
  Frame mark;
  if (log_.durable_position() > 0) log_.Append(mark).IgnoreError();
}

}  // namespace ledger
