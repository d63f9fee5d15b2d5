#include "ledger/client/outcome.h"

#include <catch2/catch.hpp>

#include <utility>
#include <vector>

#include "ledger/core/types.h"

namespace ledger {
namespace {

using Codes = std::vector<uint32_t>;

pb::CreateResponse Answered(const Codes& codes) {
  pb::CreateResponse response;
  for (uint32_t index = 0; index < codes.size(); ++index) {
    if (codes[index] == 0) continue;
    pb::EventResult* result = response.add_results();
    result->set_index(index);
    result->set_code(codes[index]);
  }
  return response;
}

Codes CodesOf(const pb::CreateResponse& response, size_t events) {
  Codes codes(events, 0);
  for (const pb::EventResult& result : response.results()) {
    codes.at(result.index()) = result.code();
  }
  return codes;
}

struct Row {
  const char* name;
  std::vector<bool> linked;
  Codes answered;
  Codes meant;
};

TEST_CASE("an answer to a repeat says what became of the request", "[client]") {
  const auto row = GENERATE(values<Row>({
      {"nothing failed", {false, false}, {0, 0}, {0, 0}},
      {"a single event exists", {false, false}, {46, 0}, {0, 0}},
      {"a single event failed otherwise", {false, false}, {54, 46}, {54, 0}},
      {"an id that failed before stays failed", {false}, {68}, {68}},
      {"it exists with another amount", {false}, {39}, {39}},
      {"a chain had happened", {true, true, false}, {46, 1, 1}, {0, 0, 0}},
      {"a chain of which only a later event exists", {true, true, false}, {1, 46, 1}, {1, 46, 1}},
      {"a chain that failed", {true, false}, {1, 54}, {1, 54}},
      {"a chain left open", {true, true}, {46, 2}, {46, 2}},
      {"single, chain, single", {false, true, false, false}, {46, 46, 1, 55}, {0, 0, 0, 55}},
  }));
  DYNAMIC_SECTION(row.name) {
    pb::CreateTransfersRequest request;
    for (const bool linked : row.linked) {
      request.add_transfers()->set_flags(linked ? uint32_t{TransferFlags::kLinked} : 0);
    }
    pb::CreateResponse response = Answered(row.answered);
    ForgiveRepeats(request, &response);
    CHECK(CodesOf(response, row.linked.size()) == row.meant);
  }
}

TEST_CASE("an account that exists has the accounts' code", "[client]") {
  pb::CreateAccountsRequest request;
  request.add_accounts();
  request.add_accounts();
  pb::CreateResponse response = Answered({21, 46});
  ForgiveRepeats(request, &response);
  CHECK(CodesOf(response, 2) == Codes{0, 46});
}

}  // namespace
}  // namespace ledger
