#include "orchestrator/playbook/suggest.h"

#include <catch2/catch.hpp>

namespace orchestrator {
namespace {

TEST_CASE("the distance counts inserted, removed, replaced and swapped letters", "[suggest]") {
  CHECK(EditDistance("", "") == 0);
  CHECK(EditDistance("seal", "seal") == 0);
  CHECK(EditDistance("seel", "seal") == 1);
  CHECK(EditDistance("sael", "seal") == 1);
  CHECK(EditDistance("sea", "seal") == 1);
  CHECK(EditDistance("abc", "") == 3);
  CHECK(EditDistance("kitten", "sitting") == 3);
}

TEST_CASE("the nearest name is suggested, or all when none is near", "[suggest]") {
  const std::vector<std::string> known = {"ledger.seal", "ledger.unseal", "ledger.open"};
  CHECK(Suggest("ledger.seel", known) == ": did you mean 'ledger.seal'?");
  CHECK(Suggest("leger.opne", known) == ": did you mean 'ledger.open'?");
  CHECK(Suggest("x", known) == ": write one of ledger.seal, ledger.unseal, ledger.open");
  CHECK(Suggest("x", {"ledger.seal"}) == ": write ledger.seal");
  CHECK(Suggest("x", {}).empty());
  CHECK(Suggest(std::string(100'000, 'x'), std::vector<std::string>(30, "y")).empty());
}

TEST_CASE("quoted text cannot disturb a terminal", "[suggest]") {
  CHECK(Quoted("a\x1b[31mb\n") == "'a\\033[31mb\\n'");
  CHECK(Quoted(std::string(200, 'a')) == "'" + std::string(80, 'a') + "…'");
}

}  // namespace
}  // namespace orchestrator
