#include "agents/runtime/log.h"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "tests/temporary_folder.h"

namespace agents {
namespace {

using hamisha::agent::v1::LogBatch;

LogBatch TermBatch(uint64_t term) {
  LogBatch batch;
  batch.add_entries()->set_term_raised(term);
  return batch;
}

std::vector<uint64_t> TermsOf(Log& log) {
  std::vector<uint64_t> terms;
  for (const auto& entry : log.recovered()) terms.push_back(entry.term_raised());
  return terms;
}

// A log with frames for the terms 1, 2, 3; where each frame ends.
std::vector<uint64_t> WriteThree(const std::string& path) {
  base::FileSystem& files = base::SystemFileSystem();
  auto log = Log::Open(files, path);
  REQUIRE(log.ok());
  std::vector<uint64_t> ends;
  for (const uint64_t term : {1U, 2U, 3U}) {
    REQUIRE((*log)->Append(TermBatch(term)).ok());
    ends.push_back(files.Read(path)->size());
  }
  return ends;
}

TEST_CASE("an agent's log gives back what was written, and goes on", "[log]") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/agent.log";
  WriteThree(path);
  auto log = Log::Open(base::SystemFileSystem(), path);
  REQUIRE(log.ok());
  CHECK(TermsOf(**log) == std::vector<uint64_t>{1, 2, 3});
  REQUIRE((*log)->Append(TermBatch(4)).ok());
  log = Log::Open(base::SystemFileSystem(), path);
  REQUIRE(log.ok());
  CHECK(TermsOf(**log) == std::vector<uint64_t>{1, 2, 3, 4});
}

TEST_CASE("a torn last frame is cut off, at whatever byte it is torn", "[log]") {
  const TemporaryFolder folder;
  base::FileSystem& files = base::SystemFileSystem();
  const std::string path = folder.path() + "/agent.log";
  const std::vector<uint64_t> ends = WriteThree(path);
  const std::string content = *files.Read(path);
  for (uint64_t size = ends[1]; size < ends[2]; ++size) {
    CAPTURE(size);
    REQUIRE(files.Replace(path, content.substr(0, size)).ok());
    auto log = Log::Open(files, path);
    REQUIRE(log.ok());
    CHECK(TermsOf(**log) == std::vector<uint64_t>{1, 2});
    CHECK(files.Read(path)->size() == ends[1]);
    REQUIRE((*log)->Append(TermBatch(3)).ok());
    CHECK(*files.Read(path) == content);
  }
}

TEST_CASE("a last frame whose blocks were never written is cut off", "[log]") {
  const TemporaryFolder folder;
  base::FileSystem& files = base::SystemFileSystem();
  const std::string path = folder.path() + "/agent.log";
  const std::vector<uint64_t> ends = WriteThree(path);
  REQUIRE(files.Replace(path, files.Read(path)->substr(0, ends[1]) + std::string(64, '\0')).ok());
  auto log = Log::Open(files, path);
  REQUIRE(log.ok());
  CHECK(TermsOf(**log) == std::vector<uint64_t>{1, 2});
}

TEST_CASE("damage before an intact frame is named, whatever bit it is", "[log]") {
  const TemporaryFolder folder;
  base::FileSystem& files = base::SystemFileSystem();
  const std::string path = folder.path() + "/agent.log";
  const std::vector<uint64_t> ends = WriteThree(path);
  const std::string content = *files.Read(path);
  for (uint64_t place = 0; place < ends[1]; ++place) {
    CAPTURE(place);
    std::string damaged = content;
    damaged[place] = static_cast<char>(damaged[place] ^ 0x10);
    REQUIRE(files.Replace(path, damaged).ok());
    const auto log = Log::Open(files, path);
    CHECK(log.status().code() == absl::StatusCode::kDataLoss);
    const std::string named = place < ends[0] ? "at byte 0:" : "at byte " + std::to_string(ends[0]);
    CHECK_THAT(std::string(log.status().message()), Catch::Contains(named));
    CHECK(*files.Read(path) == damaged);  // For whoever looks into it.
  }
}

}  // namespace
}  // namespace agents
