#include "ledger/gateway/split.h"

#include <catch2/catch.hpp>

#include <map>
#include <string>
#include <vector>

#include "ledger/core/types.h"

namespace ledger {
namespace {

constexpr uint64_t kAnywhere = UINT64_MAX;  // An id of 0.

pb::Id AccountOn(uint64_t shard) {
  pb::Id id;
  if (shard == kAnywhere) return id;
  id.set_high(shard << 48);
  id.set_low(7);
  return id;
}

struct Event {
  uint64_t debit_shard;
  uint64_t credit_shard;
  bool linked = false;
  uint32_t flags = 0;
};
constexpr uint32_t kPost = TransferFlags::kPostPendingTransfer;
constexpr uint32_t kVoid = TransferFlags::kVoidPendingTransfer;
constexpr uint32_t kImported = TransferFlags::kImported;

struct Row {
  const char* name;
  std::vector<Event> events;
  std::map<uint32_t, std::vector<uint32_t>> sent;  // Shard → indexes.
  std::map<uint32_t, uint32_t> refused;            // Index → code.
};

Split SplitOf(const std::vector<Event>& events) {
  pb::CreateTransfersRequest request;
  for (const Event& event : events) {
    pb::Transfer* transfer = request.add_transfers();
    *transfer->mutable_debit_account_id() = AccountOn(event.debit_shard);
    *transfer->mutable_credit_account_id() = AccountOn(event.credit_shard);
    transfer->set_amount(static_cast<uint64_t>(request.transfers_size()) - 1);  // Its index.
    transfer->set_flags(event.flags | (event.linked ? uint32_t{TransferFlags::kLinked} : 0));
  }
  return SplitByShard(request, {0, 1});
}

TEST_CASE("events go to the shard of their accounts", "[gateway]") {
  const auto row = GENERATE(values<Row>({
      {"one shard", {{1, 1}, {1, 1}}, {{1, {0, 1}}}, {}},
      {"two shards", {{1, 1}, {0, 0}, {1, 1}}, {{0, {1}}, {1, {0, 2}}}, {}},
      {"a transfer between shards", {{0, 0}, {0, 1}}, {{0, {0}}}, {{1, 1000}}},
      {"a shard that is not there", {{9, 9}, {0, 0}}, {{0, {1}}}, {{0, 1001}}},
      {"a chain over two shards",
       {{0, 0, true}, {1, 1, true}, {0, 0}, {0, 0}},
       {{0, {3}}},
       {{0, 1}, {1, 1000}, {2, 1}}},
      {"a chain with a transfer between shards",
       {{0, 0, true}, {0, 1}, {1, 1}},
       {{1, {2}}},
       {{0, 1}, {1, 1000}}},
      {"an open chain over two shards", {{0, 0, true}, {1, 1, true}}, {}, {{0, 1}, {1, 2}}},
      {"chains of two shards",
       {{0, 0, true}, {0, 0}, {1, 1, true}, {1, 1}},
       {{0, {0, 1}}, {1, {2, 3}}},
       {}},
      {"an id of 0 is for a node to refuse",
       {{kAnywhere, 1}, {kAnywhere, kAnywhere}},
       {{0, {1}}, {1, {0}}},
       {}},
      {"a post or void goes where one of its accounts is",
       {{kAnywhere, 1, false, kPost}, {1, kAnywhere, false, kVoid}},
       {{1, {0, 1}}},
       {}},
      {"one that names no account is told to",
       {{1, 1}, {kAnywhere, kAnywhere, false, kPost}, {kAnywhere, kAnywhere, false, kVoid}},
       {{1, {0}}},
       {{1, 1004}, {2, 1004}}},
      {"unless its chain says where",
       {{kAnywhere, kAnywhere, true, kPost}, {1, 1}},
       {{1, {0, 1}}},
       {}},
      {"a chain that says nothing is refused whole",
       {{kAnywhere, kAnywhere, true, kPost}, {kAnywhere, kAnywhere, false, kVoid}, {0, 0}},
       {{0, {2}}},
       {{0, 1004}, {1, 1}}},
      {"the request's first event says for every shard whether it is imported",
       {{0, 0, false, kImported}, {1, 1}, {1, 1, false, kImported}},
       {{0, {0}}, {1, {2}}},
       {{1, 56}}},
      {"to one shard it goes as it is: the node says so",
       {{0, 0, false, kImported}, {0, 0}},
       {{0, {0, 1}}},
       {}},
  }));
  DYNAMIC_SECTION(row.name) {
    const Split split = SplitOf(row.events);
    std::map<uint32_t, std::vector<uint32_t>> sent;
    for (const Part& part : split.parts) {
      const auto& request = std::get<pb::CreateTransfersRequest>(part.batch);
      for (int index = 0; index < request.transfers_size(); ++index) {
        const uint64_t original = request.transfers(index).amount();
        sent[part.shard].push_back(static_cast<uint32_t>(original));
        if (!part.indexes.empty()) {
          CHECK(part.indexes.at(static_cast<size_t>(index)) == original);
        }
      }
    }
    CHECK(sent == row.sent);
    std::map<uint32_t, uint32_t> refused;
    for (const pb::EventResult& result : split.refused) refused[result.index()] = result.code();
    CHECK(refused == row.refused);
  }
}

pb::CreateResponse Answer(uint32_t shard, uint32_t index, uint32_t code) {
  pb::CreateResponse response;
  response.add_results()->set_index(index);
  response.mutable_results(0)->set_code(code);
  response.add_commits()->set_shard(shard);
  return response;
}

TEST_CASE("answers of the parts are joined by the request's indexes", "[gateway]") {
  pb::EventResult refused;
  refused.set_index(2);
  refused.set_code(1000);
  Join join({{1, 4}, {0, 3}}, {refused});
  CHECK_FALSE(join.Add(1, Answer(1, 0, 54)));
  CHECK(join.Add(0, Answer(0, 1, 55)));
  const auto answer = join.Finish();
  REQUIRE(answer.ok());
  REQUIRE(answer->results_size() == 3);
  CHECK(answer->results(0).index() == 0);
  CHECK(answer->results(0).code() == 54);
  CHECK(answer->results(1).index() == 2);
  CHECK(answer->results(2).index() == 4);
  REQUIRE(answer->commits_size() == 2);
  CHECK(answer->commits(0).shard() == 0);
}

TEST_CASE("a request that failed on some shards only may have been executed", "[gateway]") {
  const bool both = GENERATE(true, false);
  Join join({{0}, {1}}, {});
  join.Add(0, absl::ResourceExhaustedError("held"));
  if (both) {
    join.Add(1, absl::ResourceExhaustedError("held"));
  } else {
    join.Add(1, pb::CreateResponse());
  }
  CHECK(join.Finish().status().code() ==
        (both ? absl::StatusCode::kResourceExhausted : absl::StatusCode::kUnavailable));
}

TEST_CASE("with one shard a post needs no account", "[gateway]") {
  pb::CreateTransfersRequest request;
  request.add_transfers()->set_flags(kPost);
  const Split split = SplitByShard(request, {4});
  REQUIRE(split.parts.size() == 1);
  CHECK(split.parts[0].shard == 4);
  CHECK(split.refused.empty());
}

TEST_CASE("limits go to the shard of their account", "[gateway]") {
  pb::SetBalanceLimitsRequest request;
  for (const uint64_t shard : {uint64_t{1}, uint64_t{9}, uint64_t{0}}) {
    *request.add_limits()->mutable_account_id() = AccountOn(shard);
  }
  const Split split = SplitByShard(request, {0, 1});
  REQUIRE(split.parts.size() == 2);
  CHECK(split.parts[0].indexes == std::vector<uint32_t>{2});
  CHECK(split.parts[1].indexes == std::vector<uint32_t>{0});
  REQUIRE(split.refused.size() == 1);
  CHECK(split.refused[0].index() == 1);
  CHECK(split.refused[0].code() == 1000);
}

TEST_CASE("imported requests are joined with imported ones only", "[gateway]") {
  pb::CreateTransfersRequest plain;
  plain.add_transfers();
  pb::CreateTransfersRequest imported;
  imported.add_transfers()->set_flags(kImported);
  CHECK(CanJoin(plain, 1, plain));
  CHECK(CanJoin(imported, 1, imported));
  CHECK_FALSE(CanJoin(plain, 1, imported));
  CHECK_FALSE(CanJoin(imported, 1, plain));
}

}  // namespace
}  // namespace ledger
