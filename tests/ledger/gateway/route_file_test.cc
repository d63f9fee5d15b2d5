#include "ledger/gateway/route_file.h"

#include <catch2/catch.hpp>

#include "tests/temporary_folder.h"

namespace ledger {
namespace {

TEST_CASE("routes and holds are read as they were written", "[gateway]") {
  const TemporaryFolder folder;
  base::FileSystem& files = base::SystemFileSystem();
  const std::string path = folder.path() + "/routes.json";
  CHECK(ReadRouteFile(files, path)->gates.empty());

  const SavedGate held{
      .route = {.node_id = "target-0", .epoch = 2},
      .epoch_highest = 3,
      .holding = true,
      .bounds = {.max_hold = absl::Milliseconds(1'500), .max_requests = 7, .max_bytes = 1'000}};
  const SavedGate open{.route = {.node_id = "source-1", .epoch = 0}};
  pb::Restriction closed;
  closed.set_new_accounts(true);
  closed.add_transfer_codes(7);
  REQUIRE(WriteRouteFile(files, path, {.gates = {{0, held}, {1, open}}, .closed = closed}).ok());
  const auto read = ReadRouteFile(files, path);
  REQUIRE(read.ok());
  CHECK(read->closed.ShortDebugString() == closed.ShortDebugString());
  REQUIRE(read->gates.size() == 2);
  const SavedGate& gate = read->gates.at(0);
  CHECK(gate.route.node_id == "target-0");
  CHECK(gate.route.epoch == 2);
  CHECK(gate.epoch_highest == 3);
  CHECK(gate.holding);
  CHECK(gate.bounds.max_hold == absl::Milliseconds(1'500));
  CHECK(gate.bounds.max_requests == 7);
  CHECK(gate.bounds.max_bytes == 1'000);
  CHECK(read->gates.at(1).route.node_id == "source-1");
  CHECK_FALSE(read->gates.at(1).holding);
}

TEST_CASE("a damaged file of routes is an error that names it", "[gateway]") {
  const TemporaryFolder folder;
  base::FileSystem& files = base::SystemFileSystem();
  const std::string path = folder.path() + "/routes.json";
  const std::string content = GENERATE("", "{", "{}", "[1]", R"({"gates": [{"shard": 0}]})",
                                       R"({"gates": [{"shard": "x"}]})");
  CAPTURE(content);
  REQUIRE(files.Replace(path, content).ok());
  const auto read = ReadRouteFile(files, path);
  CHECK(read.status().code() == absl::StatusCode::kDataLoss);
  CHECK(std::string(read.status().message()).find(path) != std::string::npos);
}

}  // namespace
}  // namespace ledger
