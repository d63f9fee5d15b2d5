#include "orchestrator/journal/journal.h"

#include <catch2/catch.hpp>

#include "base/hash.h"
#include "orchestrator/journal/records.h"
#include "orchestrator/journal/replay.h"
#include "tests/orchestrator/engine/plans.h"
#include "tests/temporary_folder.h"

namespace orchestrator {
namespace {

using Catch::Matchers::Contains;

JournalEntry Note(const std::string& text) {
  JournalEntry entry;
  entry.time = absl::FromUnixSeconds(1429383600) + absl::Nanoseconds(1);
  entry.term = 3;
  entry.kind = "tick";
  entry.data = {{"text", text}};
  return entry;
}

std::string WrittenJournal(const std::string& path) {
  auto journal = Journal::Open(base::SystemFileSystem(), path);
  REQUIRE(journal.ok());
  for (const char* const text : {"one", "two \xE2\x80\x93 \"quoted\"\n", "three"}) {
    (*journal)->Append(Note(text));
  }
  REQUIRE((*journal)->Commit().ok());
  return base::SystemFileSystem().Read(path).value();
}

TEST_CASE("a journal is lines of canonical JSON, each with the hash of the one before",
          "[journal]") {
  const TemporaryFolder folder;
  const std::string text = WrittenJournal(folder.path() + "/journal.jsonl");
  const std::string first = text.substr(0, text.find('\n'));
  CHECK(first == R"({"data":{"text":"one"},"kind":"tick","previous":")" + std::string(64, '0') +
                     R"(","seq":1,"term":3,"time":"2015-04-18T19:00:00.000000001Z"})");
  CHECK_THAT(text, Contains(base::ToHex(base::Sha256Of(first))));
}

TEST_CASE("what was committed is there again, and more can be appended", "[journal]") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/journal.jsonl";
  WrittenJournal(path);
  for (size_t entries = 3; entries < 5; ++entries) {
    auto journal = Journal::Open(base::SystemFileSystem(), path);
    REQUIRE(journal.ok());
    REQUIRE((*journal)->entries().size() == entries);
    CHECK((*journal)->entries()[1].data["text"] == "two \xE2\x80\x93 \"quoted\"\n");
    CHECK((*journal)->entries()[0].time == Note("").time);
    (*journal)->Append(Note("more"));
    REQUIRE((*journal)->Commit().ok());
  }
}

TEST_CASE("a last line without its end is dropped, wherever it was torn", "[journal]") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/journal.jsonl";
  const std::string text = WrittenJournal(path);
  const size_t last = text.rfind('\n', text.size() - 2) + 1;
  for (size_t size = last; size < text.size(); ++size) {
    auto file = base::SystemFileSystem().Open(path);
    REQUIRE((*file)->Truncate(0).ok());
    REQUIRE((*file)->WriteAt(0, text.substr(0, size)).ok());
    auto journal = Journal::Open(base::SystemFileSystem(), path);
    REQUIRE(journal.ok());
    REQUIRE((*journal)->entries().size() == 2);
    (*journal)->Append(Note("three"));
    REQUIRE((*journal)->Commit().ok());
    REQUIRE(base::SystemFileSystem().Read(path).value() == text);
  }
}

TEST_CASE("other damage is named with file and byte", "[journal]") {
  const TemporaryFolder folder;
  const std::string text = WrittenJournal(folder.path() + "/journal.jsonl");
  const size_t second = text.find('\n') + 1;
  const size_t third = text.find('\n', second) + 1;
  for (size_t at = 0; at < third; ++at) {  // All but the last line: what follows vouches for it.
    CAPTURE(at);
    std::string damaged = text;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x04);
    const auto parsed = ParseJournal(damaged, "runs/x/journal.jsonl");
    REQUIRE(parsed.status().code() == absl::StatusCode::kDataLoss);
    REQUIRE_THAT(std::string(parsed.status().message()), Contains("runs/x/journal.jsonl: line "));
  }
  const auto parsed = ParseJournal(text.substr(second), "journal");
  CHECK_THAT(std::string(parsed.status().message()), Contains("line 1 at byte 0"));
}

// The entries of a run in which seal fails on one host and the run goes back.
std::vector<JournalEntry> RunEntries(std::shared_ptr<const Plan> plan) {
  Engine engine(plan, "run-1");
  std::vector<JournalEntry> entries;
  absl::Time now = absl::FromUnixSeconds(1429383600);
  const auto apply = [&](const Event& event) {
    const bool starts = std::holds_alternative<Started>(event.what);
    RunCreated created;
    created.run = "run-1";
    created.kind = hamisha::orchestrator::v1::RUN_KIND_REHEARSAL;
    entries.push_back(starts ? ToEntry(created, event.time) : ToEntry(event));
    const auto effects = engine.Apply(event);
    REQUIRE(effects.ok());
    for (const Effect& effect : *effects) entries.push_back(ToEntry(effect, event.time));
  };
  apply({now, Started{}});
  while (!engine.ended()) {
    now += absl::Nanoseconds(12345);
    const auto order = engine.OpenOrders().front();
    OrderEnded ended;
    *ended.result.mutable_key() = order.key();
    const bool fails = order.key().step() == "seal" && order.key().host() == "source-1";
    ended.result.set_outcome(fails ? hamisha::agent::v1::OUTCOME_FAILED
                                   : hamisha::agent::v1::OUTCOME_SUCCEEDED);
    *ended.result.add_certificates() = SealCertificate(0, 1);
    (*ended.result.mutable_facts())["position"] = "1204";
    apply({now, ended});
    if (order.key().step() == "hold") {
      apply({now, TermStarted{}});
      apply({now, Tick{}});
    }
  }
  for (size_t i = 0; i < entries.size(); ++i) entries[i].seq = i + 1;
  return entries;
}

TEST_CASE("a run's first entry keeps the texts that its playbook includes", "[journal]") {
  RunCreated created;
  created.kind = hamisha::orchestrator::v1::RUN_KIND_REHEARSAL;
  created.playbook = {.path = "p.yaml", .yaml = "p", .includes = {{"b/c.yaml", "c"}, {"d", ""}}};
  const auto read = ToRunCreated(ToEntry(created, absl::FromUnixSeconds(1429383600)));
  REQUIRE(read.ok());
  REQUIRE(read->playbook.includes.size() == 2);
  CHECK(read->playbook.includes[0].path == "b/c.yaml");
  CHECK(read->playbook.includes[0].yaml == "c");
  CHECK(read->inventory.includes.empty());
}

TEST_CASE("a replayed journal gives the same run, and checks its orders", "[journal]") {
  const auto plan = std::make_shared<const Plan>(SmallCutover());
  const std::vector<JournalEntry> entries = RunEntries(plan);

  SECTION("whole") {
    const auto replayed = Replay(entries, plan, "run-1");
    REQUIRE(replayed.ok());
    CHECK(NameOf(replayed->engine->state()) == "ROLLED_BACK");
    CHECK(replayed->unwritten.empty());
  }
  SECTION("cut after any entry, what is missing of the last commit is known") {
    for (size_t size = 1; size <= entries.size(); ++size) {
      const auto replayed =
          Replay({entries.begin(), entries.begin() + static_cast<long>(size)}, plan, "run-1");
      REQUIRE(replayed.ok());
      size_t rest = 0;
      while (size + rest < entries.size() && !ToEvent(entries[size + rest])->has_value()) ++rest;
      REQUIRE(replayed->unwritten.size() == rest);
    }
  }
  SECTION("an order that the engine does not want is refused") {
    auto changed = entries;
    for (JournalEntry& entry : changed) {
      if (entry.kind == "order_intent") entry.data["mode"] = "undo";
    }
    CHECK(Replay(changed, plan, "run-1").status().code() == absl::StatusCode::kFailedPrecondition);
  }
  SECTION("an auditor reads the result without us") {
    CHECK(entries[2].kind == "event");
    CHECK(entries[2].data["outcome"] == "succeeded");
    CHECK(entries[2].data["facts"]["position"] == "1204");
    CHECK(entries[1].data["key"]["host"] == "gateway-0");
  }
}

}  // namespace
}  // namespace orchestrator
