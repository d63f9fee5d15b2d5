#include "orchestrator/engine/deadlines.h"

#include <catch2/catch.hpp>

#include <string>

namespace orchestrator {
namespace {

absl::Time At(int64_t seconds) { return absl::FromUnixSeconds(seconds); }

TEST_CASE("without deadlines the next is never", "[engine]") {
  Deadlines<std::string> deadlines;
  CHECK(deadlines.Next() == absl::InfiniteFuture());
  CHECK(deadlines.TakeDue(absl::InfiniteFuture()).empty());
}

TEST_CASE("what is due comes in order of ids, not of times, and once", "[engine]") {
  Deadlines<std::string> deadlines;
  deadlines.Set("b", At(1));
  deadlines.Set("a", At(2));
  deadlines.Set("c", At(3));
  CHECK(deadlines.Next() == At(1));
  CHECK(deadlines.TakeDue(At(2)) == std::vector<std::string>{"a", "b"});
  CHECK(deadlines.TakeDue(At(2)).empty());
  CHECK(deadlines.Next() == At(3));
}

TEST_CASE("a new deadline replaces that of the same id", "[engine]") {
  Deadlines<std::string> deadlines;
  deadlines.Set("a", At(1));
  deadlines.Set("a", At(5));
  CHECK(deadlines.Next() == At(5));
  CHECK(deadlines.TakeDue(At(4)).empty());
  CHECK(deadlines.TakeDue(At(5)) == std::vector<std::string>{"a"});
}

TEST_CASE("an erased deadline never comes", "[engine]") {
  Deadlines<std::string> deadlines;
  deadlines.Set("a", At(1));
  deadlines.Set("b", At(2));
  deadlines.Erase("a");
  deadlines.Erase("never there");
  CHECK(deadlines.Next() == At(2));
  deadlines.Clear();
  CHECK(deadlines.Next() == absl::InfiniteFuture());
}

}  // namespace
}  // namespace orchestrator
