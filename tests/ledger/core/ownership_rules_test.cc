// The rules of ownership one by one, each with what is said when it holds somebody back. That they
// suffice together is shown in ownership_property_test.cc.
#include <catch2/catch.hpp>

#include <cstring>

#include "ledger/core/ownership.h"

namespace ledger {
namespace {

using Catch::Matchers::Contains;

// A node whose appends and syncs are told in one call.
struct Node {
  explicit Node(std::string id) : ownership(std::move(id), {"source-0", "target-0", "third-0"}) {}

  LogEntry Append(const absl::StatusOr<RecordDraft>& draft) {
    INFO(draft.status());
    REQUIRE(draft.ok());
    LogEntry entry{.kind = draft->kind,
                   .position = draft->position,
                   .epoch = draft->epoch,
                   .previous_hash = draft->previous_hash,
                   .hash = {},
                   .owner = draft->owner,
                   .successor = draft->successor,
                   .run = draft->run};
    static uint64_t records_made = 0;
    ++records_made;
    std::memcpy(entry.hash.data(), &records_made, sizeof(records_made));
    return Take(entry);
  }
  LogEntry Take(const LogEntry& entry) {
    ownership.Appended(entry);
    log.push_back(entry);
    return entry;
  }
  LogEntry Write() { return Append(ownership.DraftBatch(RecordKind::kTransfers, 0)); }
  SealFacts SealFor(const std::string& successor) {
    const LogEntry seal = Append(ownership.DraftSeal(successor, "run-1", 0));
    Sync();
    return {seal.epoch, seal.position, seal.hash, seal.owner, seal.successor};
  }
  void Sync() { ownership.Durable(ownership.position()); }
  void CopyAll(const Node& source) {
    while (log.size() < source.log.size()) {
      const LogEntry& entry = source.log[log.size()];
      REQUIRE(ownership.CheckCopy(entry) == absl::OkStatus());
      Take(entry);
    }
    Sync();
  }
  void Refuse(const SealFacts& seal) {
    const auto epoch = ownership.DraftRefusal(seal);
    REQUIRE(epoch.ok());
    ownership.RefusalDecided(*epoch);
    ownership.RefusalDurable(*epoch);
  }

  Ownership ownership;
  std::vector<LogEntry> log;
};

// source-0 owns epoch 1 with one write; target-0 has its log.
struct Shard {
  Shard() {
    source.Append(source.ownership.DraftFirstOpen());
    source.Sync();
    source.Write();
    source.Sync();
    target.CopyAll(source);
  }
  Node source{"source-0"};
  Node target{"target-0"};
  Node third{"third-0"};
};

template <typename Result>
void CheckRefused(const Result& result, absl::StatusCode code, const std::string& message) {
  absl::Status status;
  if constexpr (std::is_same_v<Result, absl::Status>) {
    status = result;
  } else {
    status = result.status();
  }
  CHECK(status.code() == code);
  CHECK_THAT(std::string(status.message()), Contains(message));
}

constexpr auto kNotNow = absl::StatusCode::kFailedPrecondition;
constexpr auto kDataLoss = absl::StatusCode::kDataLoss;

TEST_CASE("the first record of a shard is an open of epoch 1, for an empty log only",
          "[ownership]") {
  Node node("source-0");
  CHECK(node.ownership.role() == Role::kReplica);
  CHECK(node.ownership.epoch() == 0);
  node.Append(node.ownership.DraftFirstOpen());
  node.Sync();
  CHECK(node.ownership.role() == Role::kPrimary);
  CHECK(node.ownership.epoch() == 1);
  CheckRefused(node.ownership.DraftFirstOpen(), kNotNow, "only for an empty log");

  Node lost("source-0");
  lost.ownership.RefusalDecided(2);
  CheckRefused(lost.ownership.DraftFirstOpen(), kNotNow, "under a new node id");
}

TEST_CASE("rule 1: a role is a function of the node's own log and its own id", "[ownership]") {
  Shard shard;
  CHECK(shard.source.ownership.role() == Role::kPrimary);
  CHECK(shard.target.ownership.role() == Role::kReplica);  // With the very same log.
  CHECK(shard.target.ownership.log_hash() == shard.source.ownership.log_hash());
  CHECK(shard.target.ownership.owner() == "source-0");
  CheckRefused(shard.target.ownership.DraftBatch(RecordKind::kAccounts, 0), kNotNow,
               "not primary: 'source-0' owns epoch 1");

  shard.source.SealFor("target-0");
  shard.target.CopyAll(shard.source);
  CHECK(shard.source.ownership.role() == Role::kSealed);
  CHECK(shard.target.ownership.role() == Role::kReplica);
  CHECK(shard.target.ownership.successor() == "target-0");
}

TEST_CASE("rule 2: a seal is the primary's, names another node and ends writes when appended",
          "[ownership]") {
  Shard shard;
  Ownership& source = shard.source.ownership;
  CheckRefused(shard.target.ownership.DraftSeal("third-0", "run-1", 0), kNotNow, "not primary");
  CheckRefused(source.DraftSeal("source-0", "run-1", 0), kNotNow, "another node of the shard");
  CheckRefused(source.DraftSeal("stranger", "run-1", 0), kNotNow, "not 'stranger'");
  CheckRefused(source.DraftSeal("target-0", "run-1", 7), kNotNow, "believes in epoch 7, in force");
  CheckRefused(source.DraftSeal("target-0", std::string(256, 'r'), 0), kNotNow, "256 bytes");
  CheckRefused(source.DraftBatch(RecordKind::kTransfers, 2), kNotNow, "believes in epoch 2");
  CHECK(source.DraftBatch(RecordKind::kTransfers, 1).ok());

  const LogEntry seal = shard.source.Append(source.DraftSeal("target-0", "run-1", 1));
  CheckRefused(source.DraftBatch(RecordKind::kTransfers, 0), kNotNow,
               "this node sealed epoch 1 for 'target-0'");
  CheckRefused(source.DraftSeal("third-0", "run-1", 0), kNotNow, "sealed epoch 1");
  CHECK_FALSE(source.DurableSeal("", "").has_value());  // Not certified before the sync.
  shard.source.Sync();
  CHECK(source.DurableSeal("", "") == seal);
  CHECK(source.DurableSeal("run-1", "target-0") == seal);
  CHECK_FALSE(source.DurableSeal("run-2", "target-0").has_value());
  CHECK_FALSE(source.DurableSeal("run-1", "third-0").has_value());
}

TEST_CASE("rule 3: only the named successor opens, with the certified log, and counts when durable",
          "[ownership]") {
  Shard shard;
  const SealFacts seal = shard.source.SealFor("target-0");
  Ownership& target = shard.target.ownership;
  shard.third.CopyAll(shard.source);
  CheckRefused(shard.third.ownership.DraftOpen(seal), kNotNow, "names 'target-0', this node is");
  CheckRefused(target.DraftOpen(seal), kNotNow, "ends at position 2, the certificate is for 3");
  CheckRefused(Node("target-0").ownership.DraftOpen(seal), kNotNow, "ends at position 0");
  shard.target.CopyAll(shard.source);
  SealFacts other = seal;
  other.log_hash[31] ^= 1;
  CheckRefused(target.DraftOpen(other), kNotNow, "is not the certified one");
  other = seal;
  other.owner = "third-0";
  CheckRefused(target.DraftOpen(other), kNotNow, "contradicts the record");

  const LogEntry open = shard.target.Append(target.DraftOpen(seal));
  CHECK(open.kind == RecordKind::kOpen);
  CHECK(open.epoch == 2);
  CHECK(open.owner == "target-0");
  CHECK(target.role() == Role::kReplica);
  CheckRefused(target.DraftBatch(RecordKind::kTransfers, 0), kNotNow, "not yet durable");
  CheckRefused(target.DraftOpen(seal), kNotNow, "already in epoch 2");
  shard.target.Sync();
  CHECK(target.role() == Role::kPrimary);
  CHECK(target.DraftBatch(RecordKind::kTransfers, 2).ok());
}

TEST_CASE("rule 3: a refusal of that epoch or a higher one bars the open, durable or not",
          "[ownership]") {
  Shard shard;
  const SealFacts seal = shard.source.SealFor("target-0");
  shard.target.CopyAll(shard.source);
  const uint64_t refused = GENERATE(2u, 3u, 9u);
  shard.target.ownership.RefusalDecided(refused);
  CheckRefused(shard.target.ownership.DraftOpen(seal), kNotNow, "for ever: unseal 'source-0'");
  shard.target.ownership.RefusalDurable(refused);
  CheckRefused(shard.target.ownership.DraftOpen(seal), kNotNow, "for ever");
}

TEST_CASE("rule 4: a refusal is the successor's, never after it opened, and signed when durable",
          "[ownership]") {
  Shard shard;
  const SealFacts seal = shard.source.SealFor("target-0");
  Ownership& target = shard.target.ownership;
  CheckRefused(shard.third.ownership.DraftRefusal(seal), kNotNow, "names 'target-0'");

  SECTION("before it opened, with whatever log it has") {
    CHECK(target.DraftRefusal(seal).value() == 2);
    CHECK_FALSE(target.IsRefusalDurable(2));
    target.RefusalDecided(2);
    CHECK_FALSE(target.IsRefusalDurable(2));
    target.RefusalDurable(2);
    CHECK(target.IsRefusalDurable(2));
    CHECK_FALSE(target.IsRefusalDurable(3));
    CHECK(target.DraftRefusal(seal).value() == 2);  // A repeat is granted again.
  }
  SECTION("not while its open is being synced") {
    shard.target.CopyAll(shard.source);
    shard.target.Append(target.DraftOpen(seal));
    CheckRefused(target.DraftRefusal(seal), kNotNow, "epoch 2 can no longer be refused");
  }
  SECTION("not when it has opened and is no longer its owner") {
    shard.target.CopyAll(shard.source);
    shard.target.Append(target.DraftOpen(seal));
    shard.target.Sync();
    const SealFacts next = shard.target.SealFor("third-0");
    shard.third.CopyAll(shard.target);
    shard.third.Append(shard.third.ownership.DraftOpen(next));
    shard.third.Sync();
    shard.target.CopyAll(shard.third);
    CHECK(target.owner() == "third-0");
    CheckRefused(target.DraftRefusal(seal), kNotNow, "epoch 2 can no longer be refused");
  }
}

TEST_CASE("rule 5: unseal needs the refusal of the successor for exactly the next epoch",
          "[ownership]") {
  Shard shard;
  Ownership& source = shard.source.ownership;
  CheckRefused(source.DraftUnseal({2, "target-0"}), kNotNow,
               "nothing to unseal: this node is primary of epoch 1");
  const SealFacts seal = shard.source.SealFor("target-0");
  shard.target.CopyAll(shard.source);
  CheckRefused(shard.target.ownership.DraftUnseal({2, "target-0"}), kNotNow, "nothing to unseal");
  CheckRefused(source.DraftUnseal({2, "third-0"}), kNotNow,
               "by 'third-0', but the seal names 'target-0'");
  CheckRefused(source.DraftUnseal({3, "target-0"}), kNotNow, "of epoch 3");
  CheckRefused(source.DraftUnseal({1, "target-0"}), kNotNow, "of epoch 1");

  shard.target.Refuse(seal);
  const LogEntry unseal = shard.source.Append(source.DraftUnseal({2, "target-0"}));
  CHECK(unseal.kind == RecordKind::kOpen);
  CHECK(unseal.epoch == 3);
  CHECK(source.role() == Role::kReplica);  // Until it is durable.
  shard.source.Sync();
  CHECK(source.role() == Role::kPrimary);
  CheckRefused(shard.target.ownership.DraftOpen(seal), kNotNow, "refused epoch 2");
  shard.target.CopyAll(shard.source);
  CHECK(shard.target.ownership.epoch() == 3);

  // The next handover is another epoch: the old refusal does not bar it, nor undo it.
  const SealFacts next = shard.source.SealFor("target-0");
  CheckRefused(source.DraftUnseal({2, "target-0"}), kNotNow, "asks for one of epoch 4");
  shard.target.CopyAll(shard.source);
  shard.target.Append(shard.target.ownership.DraftOpen(next));
  shard.target.Sync();
  CHECK(shard.target.ownership.role() == Role::kPrimary);
  CHECK(shard.target.ownership.epoch() == 4);
}

TEST_CASE("rule 6: only what is durable is said", "[ownership]") {
  Shard shard;
  const uint64_t durable = shard.source.ownership.durable_position();
  shard.source.Write();
  CHECK(shard.source.ownership.durable_position() == durable);
  CHECK(shard.source.ownership.position() == durable + 1);
  CHECK(shard.source.ownership.role() == Role::kPrimary);  // Only an open waits for its sync.
  shard.source.Sync();
  CHECK(shard.source.ownership.durable_position() == durable + 1);
}

TEST_CASE("rule 7: a follower takes the next record of its own log and drops nothing",
          "[ownership]") {
  Shard shard;
  const LogEntry next = shard.source.Write();
  const Ownership& target = shard.target.ownership;
  CHECK(target.CheckCopy(next) == absl::OkStatus());
  CheckRefused(shard.source.ownership.CheckCopy(next), kNotNow, "primary of epoch 1");
  CheckRefused(target.CheckCopy(shard.source.log[1]), kNotNow, "pull after 2");
  CheckRefused(target.CheckCopy(shard.source.Write()), kNotNow, "pull after 2");

  LogEntry diverged = next;
  diverged.previous_hash[5] ^= 1;
  CheckRefused(target.CheckCopy(diverged), kDataLoss, "diverge: this node's record 2 has hash");
  CheckRefused(target.CheckCopy(diverged), kDataLoss, "source's record 3 follows one with hash");

  LogEntry impossible = next;
  impossible.epoch = 2;
  CheckRefused(target.CheckCopy(impossible), kDataLoss, "'source-0' owns epoch 1");
  impossible = next;
  impossible.owner = "third-0";
  CheckRefused(target.CheckCopy(impossible), kDataLoss, "by 'third-0' in epoch 1");
  impossible = next;
  impossible.kind = RecordKind::kOpen;
  CheckRefused(target.CheckCopy(impossible), kDataLoss, "opens epoch 1 where none was sealed");

  Node empty("third-0");
  impossible = shard.source.log[0];
  impossible.epoch = 5;
  CheckRefused(empty.ownership.CheckCopy(impossible), kDataLoss, "must open epoch 1");
}

TEST_CASE("rule 7: after a seal only its successor's open or its owner's unseal can follow",
          "[ownership]") {
  Shard shard;
  shard.source.SealFor("target-0");
  shard.third.CopyAll(shard.source);
  const Ownership& third = shard.third.ownership;
  LogEntry next{.kind = RecordKind::kOpen,
                .position = 4,
                .epoch = 2,
                .previous_hash = third.log_hash(),
                .hash = {1},
                .owner = "target-0",
                .successor = "",
                .run = ""};
  CHECK(third.CheckCopy(next) == absl::OkStatus());
  next.epoch = 3;
  CheckRefused(third.CheckCopy(next), kDataLoss, "'target-0' may not open epoch 3");
  next.owner = "source-0";
  CHECK(third.CheckCopy(next) == absl::OkStatus());
  next.epoch = 2;
  CheckRefused(third.CheckCopy(next), kDataLoss, "'source-0' may not open epoch 2");
  next.kind = RecordKind::kTransfers;
  CheckRefused(third.CheckCopy(next), kDataLoss, "follows a seal without an open");
}

TEST_CASE("rule 8: a node that meets records of its own has an older disk and needs a new id",
          "[ownership]") {
  Shard shard;
  const SealFacts seal = shard.source.SealFor("target-0");
  shard.target.CopyAll(shard.source);
  shard.target.Append(shard.target.ownership.DraftOpen(seal));
  shard.target.Sync();

  Node restored("target-0");
  restored.CopyAll(shard.source);
  CheckRefused(restored.ownership.CheckCopy(shard.target.log[3]), kDataLoss,
               "this disk is an older copy; the node must come back under a new node id");
}

}  // namespace
}  // namespace ledger
