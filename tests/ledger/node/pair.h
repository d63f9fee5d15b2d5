#pragma once

#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "tests/ledger/node/cluster.h"

namespace ledger {

// Two nodes with some state, the target following.
struct Pair {
  Cluster cluster;

  explicit Pair(const std::vector<std::string>& nodes = {"source", "target"}) : cluster(nodes) {
    cluster.Follow("target", "source");
    REQUIRE(Create(cluster.ledger("source"), Accounts(1, 1'000)).ok());
    REQUIRE(Create(cluster.ledger("source"), Transfers(1, 100)).ok());
    AwaitEqual();
  }
  void AwaitEqual() { cluster.AwaitPosition("target", cluster.Status("source").position()); }
  Answer<pb::VerifyAgainstResponse> Verify(const std::string& node = "target",
                                           const std::string& against = "source") {
    pb::VerifyAgainstRequest request;
    request.set_node_id(against);
    return Call(cluster.verification(node), &pb::Verification::Stub::VerifyAgainst, request);
  }
  pb::VerifyAgainstResponse Verified() {
    const auto verified = Verify();
    CAPTURE(verified.status.error_message());
    REQUIRE(verified.ok());
    return verified.response;
  }
};

}  // namespace ledger
