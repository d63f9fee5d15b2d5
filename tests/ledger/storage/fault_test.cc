// Every operation that changes the disk goes wrong once, in each way, followed by each kind of
// crash: all that was acknowledged is there afterwards, or what is damaged is named.
#include <catch2/catch.hpp>

#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/ledger/storage/disk_scenario.h"
#include "tests/ledger/storage/memory_file_system.h"

namespace ledger {
namespace {

using Kind = DiskFault::Kind;

constexpr int64_t kBlock = 4'096;

const std::vector<Unsynced> kCrashes = {Unsynced::kForgotten, Unsynced::kKept,
                                        Unsynced::kSomeSectors, Unsynced::kSomeBlocks};

bool IsClearStop(const absl::Status& status) {
  return absl::IsDataLoss(status) && (absl::StrContains(status.message(), " at byte ") ||
                                      absl::StrContains(status.message(), "frame that ends") ||
                                      absl::StrContains(status.message(), "is damaged"));
}

int ChangesOfAWholeRun() {
  MemoryFileSystem files;
  DiskScenario scenario(files);
  REQUIRE(scenario.Run().ok());
  return files.changes();
}

struct Ends {
  int well = 0;
  int all = 0;
  int stopped = 0;  // Well, with damage that was named.
};

// The scenario with one fault; the crash ends it.
void Live(const DiskFault& fault, Unsynced unsynced, uint32_t seed, Ends& ends) {
  const bool silent = fault.kind >= Kind::kMisdirected;
  MemoryFileSystem files;
  DiskScenario scenario(files);
  files.Plan(fault);
  const absl::Status ran = scenario.Run();
  if (files.fault_met().empty()) return;
  ++ends.all;
  scenario.Stop();
  files.Crash(unsynced, seed);
  const absl::StatusOr<std::string> found = scenario.Examine();
  const bool stopped = IsClearStop(found.status());
  // Only what the disk did without saying so may be damage.
  const bool well = found.ok() ? found->empty() : silent && stopped;
  if (!well) {
    CAPTURE(static_cast<int>(fault.kind), fault.after, fault.displacement, files.fault_met(), seed);
    CAPTURE(static_cast<int>(unsynced), ran, found.status());
    FAIL_CHECK((found.ok() ? *found : "no clear stop"));
    return;
  }
  ++ends.well;
  ends.stopped += found.ok() ? 0 : 1;
}

void Print(const std::string& what, const Ends& ends) {
  std::cout << what << ": " << ends.well << " of " << ends.all << " end well, " << ends.stopped
            << " of them with damage that is named\n";
  CHECK(ends.well == ends.all);
  CHECK(ends.all > 0);
}

TEST_CASE("each operation fails once and nothing acknowledged is lost", "[faults]") {
  const int changes = ChangesOfAWholeRun();
  Ends ends;
  for (const Kind kind : {Kind::kError, Kind::kShort, Kind::kFull}) {
    for (int after = 0; after < changes; ++after) {
      for (const Unsynced unsynced : kCrashes) {
        Live({.kind = kind, .after = after}, unsynced, static_cast<uint32_t>(after), ends);
      }
    }
  }
  Print("failing operations", ends);
}

TEST_CASE("a write that the disk loses or puts elsewhere is never dropped silently", "[faults]") {
  const int changes = ChangesOfAWholeRun();
  Ends ends;
  for (int after = 0; after < changes; ++after) {
    Live({.kind = Kind::kLost, .after = after}, Unsynced::kForgotten, 1, ends);
    for (const int64_t displacement : {-kBlock, kBlock, 3 * kBlock, -2 * kBlock}) {
      Live({.kind = Kind::kMisdirected, .after = after, .displacement = displacement},
           Unsynced::kForgotten, 1, ends);
    }
  }
  Print("lost and misdirected writes", ends);
}

TEST_CASE("the machine goes down at each operation and any part of a write is there", "[faults]") {
  const int changes = ChangesOfAWholeRun();
  Ends ends;
  for (int after = 0; after < changes; ++after) {
    for (const Unsynced unsynced : kCrashes) {
      for (uint32_t seed = 0; seed < (unsynced > Unsynced::kKept ? 6u : 1u); ++seed) {
        MemoryFileSystem files;
        DiskScenario scenario(files);
        files.FailAfter(after);
        scenario.Run().IgnoreError();
        scenario.Stop();
        files.StopFailing();
        files.Crash(unsynced, seed);
        const absl::StatusOr<std::string> found = scenario.Examine();
        ++ends.all;
        CAPTURE(after, static_cast<int>(unsynced), seed, found.status());
        if (found.ok() && found->empty()) {
          ++ends.well;
        } else {
          FAIL_CHECK((found.ok() ? *found : "it does not start"));
        }
      }
    }
  }
  Print("crashes", ends);
}

TEST_CASE("a bit that rots in what was durable is named, wherever it is", "[faults]") {
  MemoryFileSystem files;
  DiskScenario scenario(files);
  REQUIRE(scenario.Run().ok());
  scenario.Stop();
  Ends ends;
  for (const std::string folder : {"data/log", "data/snapshots"}) {
    const std::vector<std::string> names = files.List(folder).value();
    for (const std::string& name : names) {
      const std::string path = absl::StrCat(folder, "/", name);
      const size_t size = files.Bytes(path).size();
      for (size_t byte = 0; byte<size; byte += size> 1'000 ? 251 : 1) {
        MemoryFileSystem rotten;
        DiskScenario again(rotten);
        REQUIRE(again.Run().ok());
        again.Stop();
        rotten.Bytes(path)[byte] ^= 1;
        const absl::StatusOr<std::string> found = again.Examine();
        ++ends.all;
        CAPTURE(path, byte, found.status());
        const bool fine = found.ok() && found->empty();
        if (fine || IsClearStop(found.status())) {
          ++ends.well;
          ends.stopped += fine ? 0 : 1;
        } else {
          FAIL_CHECK((found.ok() ? *found : "no clear stop"));
        }
      }
    }
  }
  Print("rotten bits", ends);
}

TEST_CASE("the last frame of all is missed when it was written elsewhere", "[faults]") {
  MemoryFileSystem files;
  DiskScenario scenario(files);
  REQUIRE(scenario.Start().ok());
  REQUIRE(scenario.Append(1, 10).ok());
  files.Plan({.kind = Kind::kMisdirected, .displacement = 2 * kBlock});
  REQUIRE(scenario.Append(1, 10).ok());
  scenario.Stop();
  const absl::Status status = scenario.Start();
  CAPTURE(status);
  REQUIRE(absl::IsDataLoss(status));
  CHECK(absl::StrContains(status.message(),
                          "data/log/0001 at byte 4096: the frame with position 2 "
                          "was written to data/log/0001 at byte 12288 instead"));
}

TEST_CASE("a full disk is said, and the log takes nothing more", "[faults]") {
  MemoryFileSystem files;
  DiskScenario scenario(files);
  REQUIRE(scenario.Start().ok());
  REQUIRE(scenario.Append(1, 10).ok());
  files.Plan({.kind = Kind::kFull});
  CHECK(absl::IsResourceExhausted(scenario.Append(1, 10)));
  CHECK(absl::IsResourceExhausted(scenario.Append(1, 10)));
  CHECK(scenario.Examine().value().empty());
}

TEST_CASE("lives by chance end well too", "[faults]") {
  const uint32_t first = std::random_device()();
  std::cout << "lives by chance: seeds from " << first << "\n";
  Ends ends;
  for (uint32_t seed = first; seed != first + 150; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    MemoryFileSystem files;
    DiskScenario scenario(files);
    bool silent = false;
    std::string wrong;
    for (int life = 0; life < 4; ++life) {
      const auto kind = static_cast<Kind>(random() % 5);
      silent = silent || kind >= Kind::kMisdirected;
      const int64_t displacement = (static_cast<int64_t>(random() % 9) - 4) * kBlock;
      files.Plan({.kind = displacement == 0 ? Kind::kError : kind,
                  .after = static_cast<int>(random() % 120),
                  .displacement = displacement});
      const absl::Status ran = scenario.RunRandomly(random);
      scenario.Stop();
      files.Plan({.after = 1 << 30});
      files.Crash(kCrashes[random() % kCrashes.size()], static_cast<uint32_t>(random()));
      const absl::StatusOr<std::string> found = scenario.Examine();
      CAPTURE(ran, found.status());
      ++ends.all;
      if (found.ok() && found->empty()) {
        ++ends.well;
        continue;
      }
      if (found.ok() || !silent || !IsClearStop(found.status())) {
        FAIL_CHECK((found.ok() ? *found : "no clear stop"));
        break;
      }
      ++ends.well;
      ++ends.stopped;
      break;  // As the message says.
    }
  }
  Print("lives by chance", ends);
}

}  // namespace
}  // namespace ledger
