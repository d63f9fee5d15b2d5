#include "benchmarks/difference/long_run.h"

#include <map>
#include <memory>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/file_system.h"
#include "base/hash.h"
#include "base/status_macros.h"
#include "benchmarks/common/figures.h"
#include "benchmarks/difference/background_load.h"
#include "benchmarks/difference/node_pair.h"
#include "hamisha/ledger/v1/verification.grpc.pb.h"
#include "ledger/core/record.h"
#include "ledger/node/replay.h"
#include "ledger/storage/log.h"
#include "rpc/rpc.h"

namespace benchmarks {
namespace {

namespace pb = ::hamisha::ledger::v1;

constexpr double kTimeoutS = 600;

// The state roots that a log says, by the position that each is of.
struct RootsOfLog {
  uint64_t checkpoints = 0;
  std::map<uint64_t, base::Hash256> roots;
};

absl::StatusOr<RootsOfLog> ReadRoots(const std::string& data_dir) {
  ASSIGN_OR_RETURN(const std::unique_ptr<const ledger::Log> log,
                   ledger::Log::OpenToRead(base::SystemFileSystem(), data_dir + "/log"));
  ledger::LogReader reader(*log, 1);
  RootsOfLog found;
  while (true) {
    ASSIGN_OR_RETURN(const ledger::LogReader::Item* const item, reader.Next());
    if (item == nullptr) return found;
    if (item->record.kind != ledger::RecordKind::kCheckpoint) continue;
    ++found.checkpoints;
    const ledger::Checkpoint checkpoint = item->record.checkpoint();
    if (checkpoint.root_position != 0) found.roots[checkpoint.root_position] = checkpoint.root;
  }
}

uint64_t Differing(const RootsOfLog& here, const RootsOfLog& there) {
  uint64_t differing = 0;
  for (const auto& [position, root] : here.roots) {
    const auto other = there.roots.find(position);
    if (other == there.roots.end() || other->second != root) ++differing;
  }
  for (const auto& [position, root] : there.roots) differing += here.roots.count(position) == 0;
  return differing;
}

absl::Status AwaitEqual(const NodePair& pair) {
  for (const double begin = SecondsNow(); SecondsNow() - begin < kTimeoutS;) {
    ASSIGN_OR_RETURN(const pb::NodeStatus source, pair.SourceStatus());
    ASSIGN_OR_RETURN(const pb::NodeStatus target, pair.TargetStatus());
    if (!target.fault().empty()) return absl::InternalError(target.fault());
    const bool is_equal =
        target.position() == source.position() && target.log_hash() == source.log_hash();
    // The last checkpoint has come, and there is nothing more to say.
    if (is_equal && target.lag().connected()) return absl::OkStatus();
    absl::SleepFor(absl::Milliseconds(20));
  }
  return absl::DeadlineExceededError("the target does not catch up");
}

absl::StatusOr<pb::VerifyAgainstResponse> Challenge(const NodePair& pair) {
  const auto verification = pb::Verification::NewStub(rpc::Connect(pair.target()));
  grpc::ClientContext context;
  pb::VerifyAgainstRequest request;
  request.set_node_id("source");
  pb::VerifyAgainstResponse verified;
  RETURN_IF_ERROR(rpc::FromGrpc(verification->VerifyAgainst(&context, request, &verified)));
  return verified;
}

}  // namespace

absl::StatusOr<nlohmann::json> CompareRoots(const LongRun& run, const std::atomic<bool>& stop) {
  ASSIGN_OR_RETURN(
      const std::unique_ptr<NodePair> pair,
      NodePair::Start(
          {.source_parent = run.folder, .target_parent = run.folder, .copies = false, .hear = {}}));
  RETURN_IF_ERROR(pair->Follow(pair->source()));
  RETURN_IF_ERROR(pair->CreateAccounts(run.accounts));
  BackgroundLoad load(
      {.address = pair->source(), .transfers_per_s = run.rate, .accounts = run.accounts});
  for (const double begin = SecondsNow(); SecondsNow() - begin < 60 * run.minutes;) {
    if (stop) return absl::CancelledError("interrupted");
    absl::SleepFor(absl::Milliseconds(100));
  }
  RETURN_IF_ERROR(load.End());
  RETURN_IF_ERROR(AwaitEqual(*pair));
  ASSIGN_OR_RETURN(const pb::VerifyAgainstResponse challenge, Challenge(*pair));
  RETURN_IF_ERROR(AwaitEqual(*pair));
  ASSIGN_OR_RETURN(const pb::NodeStatus target, pair->TargetStatus());
  pair->Stop();

  ASSIGN_OR_RETURN(const RootsOfLog source_roots, ReadRoots(pair->source_data_dir()));
  ASSIGN_OR_RETURN(const RootsOfLog target_roots, ReadRoots(pair->target_data_dir()));
  const auto replay = [](const std::string& data_dir) {
    return ledger::ReplayLog(base::SystemFileSystem(), data_dir, 0);
  };
  ASSIGN_OR_RETURN(const ledger::Replayed source_replay, replay(pair->source_data_dir()));
  ASSIGN_OR_RETURN(const ledger::Replayed target_replay, replay(pair->target_data_dir()));
  const bool is_equal = challenge.equal() && source_replay.state_root == target_replay.state_root;
  return nlohmann::json{{"minutes", run.minutes},
                        {"accounts", run.accounts},
                        {"transfers", load.transfers()},
                        {"position", target.position()},
                        {"checkpoints", source_roots.checkpoints},
                        {"checkpoints_at_target", target_roots.checkpoints},
                        {"roots", source_roots.roots.size()},
                        {"roots_at_target", target_roots.roots.size()},
                        {"differing", Differing(source_roots, target_roots)},
                        {"roots_checked_by_target", target.roots_checked()},
                        {"roots_found_by_replay", {source_replay.roots, target_replay.roots}},
                        {"challenge_is_equal", challenge.equal()},
                        {"state_roots_at_end_are_equal", is_equal},
                        {"state_root_at_end", base::ToHex(target_replay.state_root)}};
}

}  // namespace benchmarks
