// A ledger that was frozen and loaded goes on as the one it was taken of.
#include <catch2/catch.hpp>

#include <string>
#include <utility>
#include <vector>

#include "tests/ledger/core/random_events.h"

namespace ledger {
namespace {

using Parts = std::vector<std::pair<uint32_t, std::string>>;

Parts Write(const StateImage& image) {
  Parts parts;
  const absl::Status status = image.Write([&parts](uint32_t section, absl::string_view bytes) {
    CHECK(bytes.size() <= kImagePartBytesMax);
    parts.emplace_back(section, std::string(bytes));
    return absl::OkStatus();
  });
  CHECK(status.ok());
  return parts;
}

absl::Status Load(const Parts& parts, StateMachine& machine) {
  for (const auto& [section, bytes] : parts) {
    if (absl::Status status = machine.Load(section, bytes); !status.ok()) return status;
  }
  return machine.LoadDone();
}

constexpr uint32_t kShard = 2;

struct Worker {
  explicit Worker(uint32_t seed) : events(kShard, seed) {}

  // The same batches for all machines; true when all did the same.
  bool Step(const std::vector<StateMachine*>& machines) {
    const uint64_t before = now;
    now += events.OneIn(10) ? events.Below(1'500'000'000) : events.Below(40);
    const uint32_t kind = events.Below(10);
    std::vector<std::vector<EventResult>> results;
    const auto run = [&](const auto& batch, auto create) {
      now += batch.size();
      for (StateMachine* machine : machines) results.push_back((machine->*create)(batch, now));
    };
    if (now < 20'000'000'100 || kind == 0) {
      run(events.Accounts(before, now + 3), &StateMachine::CreateAccounts);
    } else if (kind == 1) {
      run(events.Limits(), &StateMachine::SetBalanceLimits);
    } else {
      run(events.Transfers(before, now + 5), &StateMachine::CreateTransfers);
    }
    return std::all_of(results.begin(), results.end(),
                       [&](const auto& result) { return result == results[0]; });
  }

  RandomEvents events;
  uint64_t now = 20'000'000'000;
};

TEST_CASE("a ledger loaded from an image goes on as the one it was taken of", "[state_image]") {
  const uint32_t seed = GENERATE(range(0U, 20U));
  CAPTURE(seed);
  Worker worker(seed);
  MemoryTransferStore store;
  MemoryTransferStore twin_store;
  StateMachine machine(kShard, store);
  StateMachine twin(kShard, twin_store);
  for (int i = 0; i < 100; ++i) REQUIRE(worker.Step({&machine, &twin}));

  const base::Hash256 root = machine.StateRoot();
  std::unique_ptr<StateImage> image = machine.Freeze();
  // What happens between freezing and writing is not in it: the twin stays behind.
  Worker other(seed + 1'000);
  other.now = worker.now;
  for (int i = 0; i < 30; ++i) other.Step({&machine});

  StateMachine loaded(kShard, twin_store);
  REQUIRE(Load(Write(*image), loaded).ok());
  machine.Thaw(std::move(image));
  CHECK(loaded.StateRoot() == root);
  CHECK(loaded.StateRoot() == twin.StateRoot());
  CHECK(loaded.ComputeTotals() == twin.ComputeTotals());
  CHECK(loaded.next_expiry_ns() == twin.next_expiry_ns());
  // They share what there was of transfers; one of them goes on, as the frozen one would have.
  const uint64_t now = worker.now;
  for (int i = 0; i < 50; ++i) worker.Step({&loaded});
  CHECK(loaded.StateRoot() != root);
  CHECK(loaded.last_timestamp_ns() >= now);
}

TEST_CASE("an image that is cut or of another shard is refused", "[state_image]") {
  Bench bench = WithAccounts();
  bench.Create(NewPending(1, 1, 2, 10));
  std::unique_ptr<StateImage> image = bench.machine.Freeze();
  const Parts parts = Write(*image);
  bench.machine.Thaw(std::move(image));
  MemoryTransferStore store;
  SECTION("whole") {
    StateMachine loaded(0, store);
    CHECK(Load(parts, loaded).ok());
    CHECK(loaded.StateRoot() == bench.machine.StateRoot());
  }
  SECTION("of another shard") {
    StateMachine loaded(1, store);
    CHECK(absl::IsDataLoss(Load(parts, loaded)));
  }
  SECTION("a part is missing") {
    for (size_t missing = 0; missing < parts.size(); ++missing) {
      CAPTURE(missing);
      Parts rest = parts;
      rest.erase(rest.begin() + static_cast<ptrdiff_t>(missing));
      StateMachine loaded(0, store);
      CHECK(absl::IsDataLoss(Load(rest, loaded)));
    }
  }
  SECTION("a part is there twice") {
    for (size_t twice = 1; twice < parts.size(); ++twice) {
      CAPTURE(twice);
      Parts more = parts;
      more.insert(more.begin() + static_cast<ptrdiff_t>(twice), parts[twice]);
      StateMachine loaded(0, store);
      CHECK(absl::IsDataLoss(Load(more, loaded)));
    }
  }
  SECTION("bytes are cut") {
    Parts cut = parts;
    cut[1].second.pop_back();
    StateMachine loaded(0, store);
    CHECK(absl::IsDataLoss(Load(cut, loaded)));
  }
}

}  // namespace
}  // namespace ledger
