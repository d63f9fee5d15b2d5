// People with real keys of OpenSSH.
#pragma once

#include <catch2/catch.hpp>

#include <string>

#include "orchestrator/approval/ssh_keygen.h"
#include "orchestrator/plan/plan.h"
#include "tests/temporary_folder.h"

namespace orchestrator {

class KeyRing {
 public:
  const SshKeygen& ssh_keygen() const { return ssh_keygen_; }
  std::string PathOf(const std::string& name) const { return folder_.path() + "/" + name; }

  // Makes the key, too.
  Person MakePerson(const std::string& name, std::vector<std::string> roles) const {
    const auto key = ssh_keygen_.Generate(PathOf(name), name);
    INFO(key.status().ToString());
    REQUIRE(key.ok());
    return {.name = name, .roles = std::move(roles), .key = *key};
  }

  std::string Sign(const std::string& name, const std::string& message) const {
    const auto signature = ssh_keygen_.Sign(message, PathOf(name));
    REQUIRE(signature.ok());
    return *signature;
  }

 private:
  const TemporaryFolder folder_;
  const SshKeygen ssh_keygen_{base::SystemCommandRunner(), base::SystemFileSystem(),
                              folder_.path()};
};

}  // namespace orchestrator
