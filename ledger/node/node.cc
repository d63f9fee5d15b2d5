#include "ledger/node/node.h"

#include <grpc/support/time.h>
#include <grpcpp/grpcpp.h>

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/invariant.h"
#include "base/status_macros.h"
#include "base/work_queue.h"
#include "ledger/copy/commit_latency.h"
#include "ledger/copy/copy_service.h"
#include "ledger/copy/exports.h"
#include "ledger/copy/throttle.h"
#include "ledger/core/certificate.h"
#include "ledger/node/challenger.h"
#include "ledger/node/config.h"
#include "ledger/node/disk.h"
#include "ledger/node/durable_tail.h"
#include "ledger/node/faults_service.h"
#include "ledger/node/follow_trials.h"
#include "ledger/node/follower.h"
#include "ledger/node/ledger_service.h"
#include "ledger/node/node_service.h"
#include "ledger/node/read_pool.h"
#include "ledger/node/shard.h"
#include "ledger/node/snapshotter.h"
#include "ledger/node/verification_service.h"
#include "ledger/node/verifier.h"
#include "ledger/node/writer.h"
#include "ledger/storage/log.h"
#include "ledger/storage/small_file.h"
#include "rpc/rpc.h"

namespace ledger {
namespace {

constexpr int kStopTimeoutS = 2;
constexpr size_t kReadThreads = 2;
constexpr int kSearchTimeoutS = 60;
constexpr uint32_t kCopyKeptHours = 24;
constexpr uint64_t kCopyFreeBytes = uint64_t{1} << 30;

std::map<std::string, std::string> Addresses(const pb::NodeConfig& config) {
  std::map<std::string, std::string> addresses;
  for (const pb::Member& member : config.members()) addresses[member.node_id()] = member.address();
  return addresses;
}

std::set<std::string> Others(const pb::NodeConfig& config) {
  std::set<std::string> others;
  for (const pb::Member& member : config.members()) others.insert(member.node_id());
  others.erase(config.node_id());
  return others;
}

absl::StatusOr<uint64_t> FreeBytes(const std::string& folder) {
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(folder, error);
  if (!error) return space.available;
  return absl::InternalError(absl::StrCat("what is free in ", folder, ": ", error.message()));
}

pb::SourceTail ToSourceTail(const DurableTail::Counts& counts) {
  pb::SourceTail tail;
  tail.set_position(counts.position);
  tail.set_bytes(counts.bytes);
  tail.set_timestamp_ns(counts.timestamp_ns);
  return tail;
}

}  // namespace

// All of a node from the disk up. Opened anew when a copy has come in.
struct LedgerNode::State {
  Disk disk;
  std::optional<CommitLatency> latency;
  std::optional<base::WorkQueue> saver;  // A sync of a small file would stop the writer.
  std::optional<Writer> writer;
  std::optional<Follower> follower;
  std::optional<FollowTrials> trials;
  std::optional<ReadPool> reads;
  std::optional<Snapshotter> snapshotter;
  std::optional<Challenger> challenger;
  std::optional<Verifier> verifier;
  std::unique_ptr<Exports> exports;
  std::unique_ptr<Throttle> throttle;
  std::optional<CopyService> copy_service;
  std::optional<LedgerService> ledger_service;
  std::optional<VerificationService> verification_service;
  std::optional<NodeService> node_service;
  std::optional<FaultsService> faults_service;
  rpc::RunningServer running;

  absl::Status Open(NodeOptions options) {
    disk.options = std::move(options);
    return disk.Open();
  }

  // `on_copied` as the follower's.
  absl::Status Serve(const std::string& listen, std::function<void()> on_copied) {
    const std::string following = disk.shard->following();
    StartWriter();
    RETURN_IF_ERROR(OpenCopies());
    follower.emplace(FollowerOptions(std::move(on_copied)), *writer);
    StartVerification();
    StartServices();
    std::vector<grpc::Service*> services = {&*ledger_service, &*node_service, &*copy_service,
                                            &*verification_service};
    if (disk.options.config.lab_faults()) services.push_back(&faults_service.emplace(*writer));
    ASSIGN_OR_RETURN(running, rpc::Serve({.listen = listen, .services = std::move(services)}));
    follower->SetTarget(following);
    return absl::OkStatus();
  }

  void StartWriter() {
    latency.emplace(*disk.options.clock);
    saver.emplace();
    disk.shard->SetSaveLater([this](std::function<absl::Status()> save) {
      const auto say = [this](absl::string_view why) {
        if (!disk.options.say) return;
        disk.options.say(
            absl::StrCat("could not be saved, and is known until the next start only: ", why));
      };
      const bool is_taken = saver->Run([say, save = std::move(save)] {
        if (const absl::Status status = save(); !status.ok()) say(status.message());
      });
      if (!is_taken) say("too much waits to be saved, or the node is stopping");
    });
    writer.emplace(
        *disk.shard, *disk.log,
        WriterOptions{.requests_max = disk.options.requests_max,
                      .on_fatal = disk.options.on_fatal,
                      .latency = &*latency,
                      .on_durable = [history = disk.history.get()](uint64_t timestamp_ns) {
                        history->Durable(timestamp_ns);
                      }});
    disk.history->SetOnCaughtUp([this] { writer->CaughtUp(); });
  }

  absl::Status OpenCopies() {
    const pb::NodeConfig& config = disk.options.config;
    const uint32_t kept_hours =
        config.copy_kept_hours() == 0 ? kCopyKeptHours : config.copy_kept_hours();
    const uint64_t free_bytes =
        config.copy_free_bytes() == 0 ? kCopyFreeBytes : config.copy_free_bytes();
    ASSIGN_OR_RETURN(
        exports,
        Exports::Open({.files = *disk.options.files,
                       .data_dir = config.data_dir(),
                       .shard = config.shard(),
                       .snapshots = *disk.snapshots,
                       .history = *disk.history,
                       .log = *disk.log,
                       .clock = *disk.options.clock,
                       .free_bytes = [folder = config.data_dir()] { return FreeBytes(folder); },
                       .free_bytes_min = free_bytes,
                       .say = disk.options.say},
                      absl::Hours(kept_hours)));
    ASSIGN_OR_RETURN(
        throttle, Throttle::Open(*disk.options.files, config.data_dir() + "/copy_limits", *latency,
                                 *disk.options.clock, disk.options.say));
    return absl::OkStatus();
  }

  Follower::Options FollowerOptions(std::function<void()> on_copied) const {
    const pb::NodeConfig& config = disk.options.config;
    return {.self = config.node_id(),
            .addresses = Addresses(config),
            .copier = {.files = disk.options.files,
                       .clock = disk.options.clock,
                       .self = config.node_id(),
                       .shard = config.shard(),
                       .data_dir = config.data_dir(),
                       .log_bytes = config.copy_log_bytes(),
                       .streams = config.copy_streams(),
                       .say = disk.options.say},
            .on_copied = std::move(on_copied)};
  }

  void StartServices() {
    const pb::NodeConfig& config = disk.options.config;
    reads.emplace(ReadPoolOptions{.threads = kReadThreads,
                                  .waiting_max = disk.options.requests_max,
                                  .bytes_max = disk.options.read_bytes_max});
    copy_service.emplace(CopyParts{.exports = *exports,
                                   .throttle = *throttle,
                                   .snapshots = *disk.snapshots,
                                   .log = *disk.log,
                                   .clock = *disk.options.clock,
                                   .tail = [this] { return ToSourceTail(disk.tail.GetCounts()); },
                                   .take_snapshot =
                                       [this](auto done) {
                                         snapshotter->Take(
                                             [done](const auto& taken) { done(taken.status()); });
                                       },
                                   .files = *disk.options.files,
                                   .followers = Others(config)});
    SnapshotterOptions snapshots{.every_log_bytes = config.snapshot_log_bytes(),
                                 .clock = disk.options.clock,
                                 .say = disk.options.say};
    snapshots.give_up_log = [this, trims = config.trims_log()](uint64_t position) {
      copy_service->DropUnasked();
      return trims ? exports->TrimLogBefore(position) : absl::OkStatus();
    };
    snapshots.remove_rest = [this](const Pause& pause) -> absl::Status {
      // First, so that no copy is given up for room that comes by itself.
      const absl::Status surplus = disk.log->RemoveSurplus(pause);
      if (absl::IsCancelled(surplus)) return surplus;
      RETURN_IF_ERROR(exports->GiveUpForSpace());
      RETURN_IF_ERROR(exports->RemoveGivenUp(pause));
      return surplus;
    };
    snapshotter.emplace(SnapshotterParts{.writer = *writer,
                                         .history = *disk.history,
                                         .snapshots = *disk.snapshots,
                                         .tail = disk.tail},
                        std::move(snapshots), disk.snapshot_log_bytes);
    ledger_service.emplace(config.shard(), *writer, *reads);
    trials.emplace(FollowTrials::Parts{.self = config.node_id(),
                                       .shard = config.shard(),
                                       .addresses = Addresses(config),
                                       .clock = disk.options.clock});
    node_service.emplace(NodeParts{.config = config,
                                   .writer = *writer,
                                   .follower = *follower,
                                   .log = *disk.log,
                                   .tail = disk.tail,
                                   .snapshotter = *snapshotter,
                                   .copies = *copy_service,
                                   .latency = *latency,
                                   .trials = *trials});
  }

  void StartVerification() {
    const pb::NodeConfig& config = disk.options.config;
    challenger.emplace(*writer, ChallengerOptions{.keep = disk.options.challenge_kept,
                                                  .clock = disk.options.clock});
    verifier.emplace(VerifierParts{.self = config.node_id(),
                                   .shard = config.shard(),
                                   .addresses = Addresses(config),
                                   .writer = *writer,
                                   .follower = *follower,
                                   .challenger = *challenger,
                                   .clock = disk.options.clock,
                                   .say = disk.options.say});
    verification_service.emplace(*writer, *challenger, *verifier);
    // On the writer's thread, like all that the shard is told.
    const absl::Status status = writer->Run([this](Shard& shard) {
      shard.SetOnDifference([this](const std::string& owner) { Search(owner); });
      shard.SetOnChallenge([this](ChallengedState state) { challenger->Begin(std::move(state)); });
    });
    INVARIANT(status.ok());
  }

  // The state roots in the log say that this node's state is not the owner's: where?
  void Search(const std::string& owner) {
    pb::VerifyAgainstRequest request;
    request.set_node_id(owner);
    request.mutable_timeout()->set_seconds(kSearchTimeoutS);
    verifier->FindDifference(
        request, [this](const absl::StatusOr<pb::VerifyAgainstResponse>& found) {
          // When the writer takes nothing more the node is stopping.
          writer->Run([status = found.status()](Shard& shard) { shard.Searched(status); })
              .IgnoreError();
        });
  }

  void Stop() {
    // A read may take longer than calls are given: it is told to ask another node.
    if (disk.history) disk.history->Cancel();
    if (follower) follower->Stop();
    disk.tail.Close();
    if (copy_service) copy_service->Close();
    // Who waits for it is answered.
    if (verifier) verifier->Stop();
    if (trials) trials->Stop();
    if (running.server != nullptr) {
      running.server->Shutdown(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                            gpr_time_from_seconds(kStopTimeoutS, GPR_TIMESPAN)));
      running.server->Wait();
      running.server.reset();
    }
    if (challenger) challenger->Stop();
    if (reads) reads->Stop();
    if (snapshotter) snapshotter->Stop();
    if (writer) writer->Stop();
    if (saver) saver->Stop();
    if (disk.history) disk.history->SetOnCaughtUp({});
  }
};

LedgerNode::LedgerNode(NodeOptions options) : options_(std::move(options)) {}

LedgerNode::~LedgerNode() { Stop(); }

absl::StatusOr<std::unique_ptr<LedgerNode>> LedgerNode::Start(NodeOptions options) {
  std::unique_ptr<LedgerNode> node(new LedgerNode(std::move(options)));
  const std::string& listen = node->options_.config.listen();
  RETURN_IF_ERROR(node->OpenAndServe(listen.empty() ? "127.0.0.1:0" : listen));
  node->address_ = node->state_->running.address;
  node->reopening_ = std::thread([started = node.get()] { started->ReopenWhenCopied(); });
  return node;
}

absl::Status LedgerNode::OpenAndServe(const std::string& listen) {
  state_ = std::make_unique<State>();
  RETURN_IF_ERROR(state_->Open(options_));
  return state_->Serve(listen, [this] {
    const absl::MutexLock lock(&mutex_);
    is_copied_ = true;
  });
}

void LedgerNode::ReopenWhenCopied() {
  {
    const absl::MutexLock lock(&mutex_);
    const auto is_time = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return is_copied_ || stopping_;
    };
    mutex_.Await(absl::Condition(&is_time));
    if (stopping_) return;  // The next start does it.
  }
  if (options_.say) options_.say("the copy is whole: opening the node with it");
  state_->Stop();
  state_.reset();
  const absl::Status status = OpenAndServe(address_);
  if (status.ok()) return;
  if (options_.say) options_.say(absl::StrCat("the node ends: ", status.message()));
  if (options_.on_fatal) options_.on_fatal(status);
}

const std::string& LedgerNode::address() const { return address_; }

void LedgerNode::Stop() {
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (reopening_.joinable()) reopening_.join();
  if (state_ != nullptr) state_->Stop();
}

absl::Status Bootstrap(NodeOptions options) {
  if (const pb::NodeConfig& config = options.config; config.node_id() != config.first_owner()) {
    return absl::FailedPreconditionError(
        absl::StrCat("only the first owner, '", config.first_owner(),
                     "', writes the first record; this is '", config.node_id(), "'"));
  }
  Disk disk;
  disk.options = std::move(options);
  RETURN_IF_ERROR(disk.Open());
  RETURN_IF_ERROR(disk.shard->AppendFirstOpen());
  Frame frame;
  disk.shard->TakeFrame(frame);
  RETURN_IF_ERROR(disk.log->Append(frame));
  return disk.log->Append(frame);  // A mark.
}

}  // namespace ledger
