#include "orchestrator/approval/ssh_keygen.h"

#include <signal.h>
#include <stdlib.h>

#include <cerrno>
#include <memory>
#include <system_error>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/status_macros.h"

namespace orchestrator {
namespace {

constexpr absl::Duration kCallMax = absl::Seconds(20);  // Of what asks nobody.

// A new folder that is removed with all it holds at the end of the scope.
class CallFolder {
 public:
  static absl::StatusOr<CallFolder> Make(base::FileSystem& files, const std::string& parent) {
    std::string path = absl::StrCat(parent, "/ssh-keygen-XXXXXX");
    if (::mkdtemp(path.data()) == nullptr) {
      return absl::InternalError(
          absl::StrCat("cannot make ", path, ": ", std::generic_category().message(errno)));
    }
    return CallFolder(files, std::move(path));
  }
  CallFolder(CallFolder&& other) noexcept
      : files_(other.files_), path_(std::exchange(other.path_, "")) {}
  CallFolder& operator=(CallFolder&&) = delete;
  ~CallFolder() {
    if (!path_.empty()) files_.RemoveAll(path_).IgnoreError();
  }

  std::string In(const std::string& name) const { return absl::StrCat(path_, "/", name); }

 private:
  CallFolder(base::FileSystem& files, std::string path) : files_(files), path_(std::move(path)) {}

  base::FileSystem& files_;
  std::string path_;
};

absl::Status NoProgram(const absl::Status& status) {
  return absl::FailedPreconditionError(
      absl::StrCat("signatures need ssh-keygen, and there is ", std::string(status.message()),
                   ": install OpenSSH's client programs on this machine (Debian: openssh-client)"));
}

// What it said, on one line.
std::string Said(base::FileSystem& files, const std::string& output) {
  const std::string text = files.Read(output).value_or("");
  return absl::StrReplaceAll(absl::StripAsciiWhitespace(text), {{"\r", ""}, {"\n", "; "}});
}

}  // namespace

absl::Status SshKeygen::Verify(const std::string& allowed_signers, const std::string& name,
                               absl::string_view message, absl::string_view signature) const {
  ASSIGN_OR_RETURN(const CallFolder folder, CallFolder::Make(files_, folder_));
  RETURN_IF_ERROR(files_.Replace(folder.In("allowed_signers"), allowed_signers));
  RETURN_IF_ERROR(files_.Replace(folder.In("statement"), message));
  RETURN_IF_ERROR(files_.Replace(folder.In("statement.sig"), signature));
  const auto process = runner_.Start(
      {.arguments = {kSshKeygen, "-Y", "verify", "-f", folder.In("allowed_signers"), "-I", name,
                     "-n", kSignatureNamespace, "-s", folder.In("statement.sig")},
       .output = folder.In("output"),
       .input = folder.In("statement")});
  if (!process.ok()) return NoProgram(process.status());
  const auto code = (*process)->WaitFor(kCallMax);
  if (!code.ok()) {
    (*process)->Signal(SIGKILL);
    (*process)->Wait();
    return absl::UnavailableError("ssh-keygen does not answer: try again");
  }
  if (*code == 0) return absl::OkStatus();
  return absl::UnauthenticatedError(
      absl::StrCat("this is no signature of ", name, " over the statement (ssh-keygen says: ",
                   Said(files_, folder.In("output")), "): sign with the key that the plan's ",
                   "inventory has for ", name, ", in the namespace ", kSignatureNamespace));
}

absl::StatusOr<std::string> SshKeygen::Sign(absl::string_view message,
                                            const std::string& key_path) const {
  ASSIGN_OR_RETURN(const CallFolder folder, CallFolder::Make(files_, folder_));
  RETURN_IF_ERROR(files_.Replace(folder.In("statement"), message));
  const auto process =
      runner_.Start({.arguments = {kSshKeygen, "-q", "-Y", "sign", "-f", key_path, "-n",
                                   kSignatureNamespace, folder.In("statement")},
                     .output = ""});
  if (!process.ok()) return NoProgram(process.status());
  const int code = (*process)->Wait();
  auto signature = files_.Read(folder.In("statement.sig"));
  if (code == 0 && signature.ok()) return signature;
  return absl::FailedPreconditionError(absl::StrCat(
      "ssh-keygen did not sign with ", key_path,
      ": name a private key, or the public one of a key that ssh-agent or a token holds"));
}

absl::StatusOr<std::string> SshKeygen::Generate(const std::string& path,
                                                const std::string& comment) const {
  const auto process = runner_.Start(
      {.arguments = {kSshKeygen, "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path},
       .output = ""});
  if (!process.ok()) return NoProgram(process.status());
  const int code = (*process)->Wait();
  if (code != 0) {
    return absl::InternalError(
        absl::StrCat("ssh-keygen made no key in ", path, ": it ended with ", code));
  }
  ASSIGN_OR_RETURN(const std::string key, files_.Read(absl::StrCat(path, ".pub")));
  return std::string(absl::StripAsciiWhitespace(key));
}

}  // namespace orchestrator
