// Signatures of people, by OpenSSH's own program: what it accepts anybody can check without us.
#pragma once

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/command_runner.h"
#include "base/file_system.h"

namespace orchestrator {

inline constexpr char kSshKeygen[] = "/usr/bin/ssh-keygen";
// A signature for another purpose does not serve for this one.
inline constexpr char kSignatureNamespace[] = "hamisha-approval@v1";

// ssh-keygen as a child. Safe for any thread; each call waits for its child.
class SshKeygen {
 public:
  // `folder` holds the files of a call while it lasts, in a new folder each; it must be there.
  // `runner` and `files` must outlive the object.
  SshKeygen(base::CommandRunner& runner, base::FileSystem& files, std::string folder)
      : runner_(runner), files_(files), folder_(std::move(folder)) {}

  // OK when `signature` is over `message`, and by a key that `allowed_signers` has for `name`.
  // UNAUTHENTICATED when it is not. FAILED_PRECONDITION when there is no ssh-keygen here.
  absl::Status Verify(const std::string& allowed_signers, const std::string& name,
                      absl::string_view message, absl::string_view signature) const;

  // A signature in armored form (SSHSIG) by the key in `key_path`: a private key, or a public one
  // whose private half an agent or a hardware token holds. Asks on the terminal for a passphrase or
  // a touch, and waits for the person as long as that takes.
  absl::StatusOr<std::string> Sign(absl::string_view message, const std::string& key_path) const;

  // A new Ed25519 key without a passphrase in `path` and `path`.pub; returns the public one, a
  // line without its end.
  absl::StatusOr<std::string> Generate(const std::string& path, const std::string& comment) const;

 private:
  base::CommandRunner& runner_;
  base::FileSystem& files_;
  const std::string folder_;
};

}  // namespace orchestrator
