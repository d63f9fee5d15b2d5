#include <catch2/catch.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "orchestrator/approval/allowed_signers.h"
#include "tests/orchestrator/approval/people.h"

namespace orchestrator {
namespace {

TEST_CASE("a signature holds for its message, its person and its purpose", "[ssh-keygen]") {
  const KeyRing keys;
  const Person asha = keys.MakePerson("asha", {});
  const Person ben = keys.MakePerson("ben", {});
  const std::string signers = AllowedSigners({asha, ben}).value();
  const std::string signature = keys.Sign("asha", "go");
  const auto verify = [&](const std::string& file, const std::string& name,
                          const std::string& message) {
    return keys.ssh_keygen().Verify(file, name, message, signature);
  };
  CHECK(verify(signers, "asha", "go").ok());
  CHECK(absl::IsUnauthenticated(verify(signers, "asha", "stop")));
  CHECK(absl::IsUnauthenticated(verify(signers, "ben", "go")));
  CHECK(absl::IsUnauthenticated(verify(signers, "zed", "go")));
  CHECK(absl::IsUnauthenticated(
      verify(absl::StrCat("asha namespaces=\"file\" ", asha.key, "\n"), "asha", "go")));
  CHECK(absl::IsUnauthenticated(keys.ssh_keygen().Verify(signers, "asha", "go", "no signature")));
}

TEST_CASE("a refusal says what ssh-keygen said, and what to do", "[ssh-keygen]") {
  const KeyRing keys;
  const std::string signers = AllowedSigners({keys.MakePerson("asha", {})}).value();
  const absl::Status status =
      keys.ssh_keygen().Verify(signers, "asha", "stop", keys.Sign("asha", "go"));
  const std::string message(status.message());
  CAPTURE(message);
  CHECK(absl::StrContains(message, "no signature of asha"));
  CHECK(absl::StrContains(message, "incorrect signature"));
  CHECK(absl::StrContains(message, "sign with the key"));
}

TEST_CASE("a key that is not there does not sign", "[ssh-keygen]") {
  const KeyRing keys;
  const auto signature = keys.ssh_keygen().Sign("go", keys.PathOf("nobody"));
  CHECK(absl::StrContains(std::string(signature.status().message()), "did not sign with"));
}

TEST_CASE("nothing of a call is left behind", "[ssh-keygen]") {
  const TemporaryFolder folder;
  const KeyRing keys;
  const std::string signers = AllowedSigners({keys.MakePerson("asha", {})}).value();
  const SshKeygen ssh_keygen(base::SystemCommandRunner(), base::SystemFileSystem(), folder.path());
  const std::string signature = ssh_keygen.Sign("go", keys.PathOf("asha")).value();
  CHECK(ssh_keygen.Verify(signers, "asha", "go", signature).ok());
  CHECK(base::SystemFileSystem().List(folder.path()).value().empty());
}

}  // namespace
}  // namespace orchestrator
