#include "orchestrator/cli/approval_files.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/status_macros.h"
#include "orchestrator/approval/allowed_signers.h"
#include "orchestrator/approval/ssh_keygen.h"
#include "orchestrator/approval/statement.h"

namespace orchestrator {
namespace {

namespace v1 = hamisha::orchestrator::v1;

// For a shell, whatever stands in it.
std::string Quoted(const std::string& text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "'\\''"}}), "'");
}

// "2-approve-go-asha": what of a name could be a path or an option is left out.
std::string FileName(int number, const v1::PersonAct& act) {
  std::string name = absl::StrCat(number, "-", ActName(act.act()), "-", act.step(),
                                  act.step().empty() ? "" : "-", act.by());
  for (char& letter : name) {
    const bool plain = absl::ascii_isalnum(static_cast<unsigned char>(letter)) || letter == '-' ||
                       letter == '_' || letter == '.';
    if (!plain) letter = '_';
  }
  return name;
}

}  // namespace

absl::StatusOr<ApprovalFiles> ApprovalFilesOf(const v1::RunView& run, const std::string& folder) {
  std::vector<Person> people;
  for (const v1::PersonView& person : run.people()) {
    people.push_back({.name = person.name(), .roles = {}, .key = person.key()});
  }
  ApprovalFiles result;
  ASSIGN_OR_RETURN(std::string signers, AllowedSigners(people));
  result.files.push_back({"allowed_signers", std::move(signers)});
  int number = 0;
  for (const v1::PersonAct& act : run.acts()) {
    ++number;
    if (act.signature().empty()) continue;
    const std::string name = FileName(number, act);
    result.files.push_back({name + ".json", act.statement()});
    result.files.push_back({name + ".json.sig", act.signature()});
    const std::string path = absl::StrCat(folder, "/", name, ".json");
    result.commands.push_back(absl::StrCat(
        "ssh-keygen -Y verify -f ", Quoted(folder + "/allowed_signers"), " -I ", Quoted(act.by()),
        " -n ", kSignatureNamespace, " -s ", Quoted(path + ".sig"), " < ", Quoted(path)));
  }
  return result;
}

}  // namespace orchestrator
