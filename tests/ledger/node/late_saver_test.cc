#include "ledger/node/late_saver.h"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

namespace ledger {
namespace {

TEST_CASE("what is posted is saved in order, all of it before the saver stops", "[late_saver]") {
  std::vector<int> saved;
  LateSaver saver({});
  for (int number = 0; number < 100; ++number) {
    saver.Post([&saved, number] {
      saved.push_back(number);
      return absl::OkStatus();
    });
  }
  saver.Stop();
  REQUIRE(saved.size() == 100);
  for (int number = 0; number < 100; ++number) CHECK(saved[static_cast<size_t>(number)] == number);
}

TEST_CASE("what cannot be saved is told, and the next is saved", "[late_saver]") {
  std::vector<std::string> said;
  bool is_saved = false;
  LateSaver saver([&](const std::string& sentence) { said.push_back(sentence); });
  saver.Post([] { return absl::InternalError("the disk is full"); });
  saver.Post([&] {
    is_saved = true;
    return absl::OkStatus();
  });
  saver.Stop();
  CHECK(is_saved);
  REQUIRE(said.size() == 1);
  CHECK_THAT(said[0], Catch::Contains("the disk is full"));
}

}  // namespace
}  // namespace ledger
