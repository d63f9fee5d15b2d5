#include <catch2/catch.hpp>

#include "absl/strings/str_replace.h"
#include "orchestrator/approval/nonce.h"
#include "orchestrator/approval/statement.h"

namespace orchestrator {
namespace {

namespace v1 = hamisha::orchestrator::v1;

Statement Approval() {
  return {.plan = "weekend_cutover",
          .plan_digest = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
          .run = "20150418-2000-weekend_cutover-1",
          .act = "approve",
          .step = "go",
          .nonce = "00000000000000000000000000000000",
          .by = "asha",
          .delegate_to = "",
          .reason = "",
          .saw = "running"};
}

TEST_CASE("a statement is in-toto's, with sorted keys and no spaces", "[statement]") {
  CHECK(ToJson(Approval()).value() ==
        R"({"_type":"https://in-toto.io/Statement/v1","predicate":{"act":"approve","by":"asha",)"
        R"("delegate_to":"","nonce":"00000000000000000000000000000000","reason":"",)"
        R"("run":"20150418-2000-weekend_cutover-1","saw":"running","step":"go"},)"
        R"("predicateType":"urn:hamisha:approval:v1","subject":[{"digest":{"sha256":)"
        R"("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},)"
        R"("name":"weekend_cutover"}]})");
}

TEST_CASE("texts are escaped as RFC 8785 says, and no more", "[statement]") {
  Statement statement = Approval();
  const std::string reason = "a \"quote\"\n\x01\x7f \\ / é €";
  statement.reason = reason;
  const std::string json = ToJson(statement).value();
  CHECK(json.find(R"("reason":"a \"quote\"\n\u0001)"
                  "\x7f \\\\ / é €\"") != std::string::npos);
  CHECK(ParseStatement(json).value().reason == statement.reason);
}

TEST_CASE("what is not UTF-8 is not signed", "[statement]") {
  Statement statement = Approval();
  statement.reason.assign(1, '\xff');
  CHECK(ToJson(statement).status().code() == absl::StatusCode::kInvalidArgument);
}

TEST_CASE("a statement is read back only from the very bytes", "[statement]") {
  const std::string json = ToJson(Approval()).value();
  CHECK(ParseStatement(json).value().nonce == Approval().nonce);
  struct Row {
    const char* from;
    const char* to;
  };
  const auto row = GENERATE(values<Row>({{"\"_type\":", "\"_type\": "},
                                         {"Statement/v1", "Statement/v2"},
                                         {"approval:v1", "approval:v2"},
                                         {"\"act\":\"approve\",", ""},
                                         {"\"act\":\"approve\"", "\"act\":7"},
                                         {"\"act\":", "\"also\":\"x\",\"act\":"},
                                         {"}]}", "},{}]}"},
                                         {"}]}", "}]}\n"}}));
  CAPTURE(row.from, row.to);
  const std::string changed = absl::StrReplaceAll(json, {{row.from, row.to}});
  REQUIRE(changed != json);
  CHECK(ParseStatement(changed).status().code() == absl::StatusCode::kInvalidArgument);
}

TEST_CASE("what a person decides is signed when it lets the run go on past a stop", "[statement]") {
  for (int value = v1::ACT_APPROVE; value <= v1::ACT_OVERRIDE; ++value) {
    const auto act = static_cast<v1::Act>(value);
    CAPTURE(ActName(act));
    const bool expected = act == v1::ACT_APPROVE || act == v1::ACT_REJECT ||
                          act == v1::ACT_DELEGATE || act == v1::ACT_COMPLETE ||
                          act == v1::ACT_OVERRIDE;
    CHECK(IsSigned(act) == expected);
  }
}

TEST_CASE("each question has a nonce of its own", "[statement]") {
  const absl::Time asked = absl::FromUnixSeconds(1'429'383'600);
  const std::string nonce = NonceOf("salt", "go", asked);
  CHECK(nonce.size() == 32);
  CHECK(nonce == NonceOf("salt", "go", asked));
  CHECK(nonce != NonceOf("other", "go", asked));
  CHECK(nonce != NonceOf("salt", "stop", asked));
  CHECK(nonce != NonceOf("salt", "go", asked + absl::Nanoseconds(1)));
}

}  // namespace
}  // namespace orchestrator
