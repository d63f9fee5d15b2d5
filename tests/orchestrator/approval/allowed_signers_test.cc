#include "orchestrator/approval/allowed_signers.h"

#include <catch2/catch.hpp>

#include "absl/strings/match.h"

namespace orchestrator {
namespace {

constexpr char kKey[] =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBGgNIFjVPqyPMnBxExTkKOwvmSdaxrXnGUtbC08bpnT";

TEST_CASE("everybody with a key may sign, for approvals only", "[allowed signers]") {
  const std::vector<Person> people = {{.name = "asha", .roles = {"ops"}, .key = kKey},
                                      {.name = "ben", .roles = {"ops"}, .key = ""}};
  CHECK(AllowedSigners(people).value() ==
        std::string("asha namespaces=\"hamisha-approval@v1\" ") + kKey + "\n");
}

TEST_CASE("a key's comment does not get into the file", "[allowed signers]") {
  const std::vector<Person> people = {
      {.name = "asha", .roles = {}, .key = std::string(kKey) + " asha at home"}};
  CHECK_FALSE(absl::StrContains(AllowedSigners(people).value(), "home"));
}

TEST_CASE("what is no key of OpenSSH is refused, by name", "[allowed signers]") {
  const std::string key = GENERATE_COPY(
      values<std::string>({"ssh-ed25519", "ssh-ed25519 AAAA", "cert-authority " + std::string(kKey),
                           "ssh-dss AAAAB3NzaC1kc3M=", std::string(kKey) + "\nben " + kKey,
                           "ssh-rsa " + std::string(kKey).substr(12), "hello world"}));
  CAPTURE(key);
  CHECK(CheckKey(key).code() == absl::StatusCode::kInvalidArgument);
  const auto signers = AllowedSigners({{.name = "asha", .roles = {}, .key = key}});
  CHECK(absl::StrContains(std::string(signers.status().message()), "'asha'"));
}

TEST_CASE("a name that would be a pattern is refused", "[allowed signers]") {
  for (const char* name : {"*", "as?a", "!asha", "asha,ben", "a b"}) {
    CAPTURE(name);
    CHECK_FALSE(AllowedSigners({{.name = name, .roles = {}, .key = kKey}}).ok());
  }
}

}  // namespace
}  // namespace orchestrator
