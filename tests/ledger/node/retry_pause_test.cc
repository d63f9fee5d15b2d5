#include "ledger/node/retry_pause.h"

#include <catch2/catch.hpp>

namespace ledger {
namespace {

TEST_CASE("tries of which nothing comes are further and further apart, up to a bound",
          "[replication]") {
  RetryPause pause;
  CHECK(pause.Next() == absl::Milliseconds(20));
  CHECK(pause.Next() == absl::Milliseconds(40));
  for (int tries = 0; tries < 10; ++tries) pause.Next();
  CHECK(pause.Next() == absl::Milliseconds(500));
}

TEST_CASE("after one of which something came they begin anew", "[replication]") {
  RetryPause pause;
  for (int tries = 0; tries < 10; ++tries) pause.Next();
  pause.Reset();
  CHECK(pause.Next() == absl::Milliseconds(20));
}

}  // namespace
}  // namespace ledger
