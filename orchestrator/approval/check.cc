#include "orchestrator/approval/check.h"

#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "orchestrator/approval/allowed_signers.h"

namespace orchestrator {
namespace {

namespace v1 = hamisha::orchestrator::v1;
using v1::PersonAct;

constexpr size_t kTextBytesMax = 4 << 10;
constexpr size_t kSignatureBytesMax = 16 << 10;
constexpr size_t kStatementBytesMax = 64 << 10;

absl::Status CheckSizes(const PersonAct& act) {
  for (const std::string* text :
       {&act.by(), &act.reason(), &act.step(), &act.host(), &act.delegate_to(), &act.saw()}) {
    if (text->size() <= kTextBytesMax) continue;
    return absl::InvalidArgumentError(absl::StrCat("a text of the act has ", text->size(),
                                                   " bytes: write at most ", kTextBytesMax));
  }
  if (act.statement().size() > kStatementBytesMax || act.signature().size() > kSignatureBytesMax) {
    return absl::InvalidArgumentError("statement or signature are too long to be one");
  }
  return absl::OkStatus();
}

absl::Status CheckPerson(const Plan& plan, const std::string& name, absl::string_view how) {
  if (plan.FindPerson(name) != nullptr) return absl::OkStatus();
  const std::string known = absl::StrJoin(
      plan.people, ", ",
      [](std::string* out, const Person& person) { absl::StrAppend(out, person.name); });
  return absl::PermissionDeniedError(absl::StrCat(
      "'", name, "' is nobody whom the plan's inventory names; it names ", known, ": ", how));
}

// What stops a run or takes it back must not wait for a name that is not on the list.
bool IsAnybodys(v1::Act act) {
  return act == v1::ACT_PAUSE || act == v1::ACT_ABORT || act == v1::ACT_ROLLBACK;
}

// Else one person without a signature could do what several have to sign for.
absl::Status CheckNoGate(const Plan& plan, const std::string& id) {
  for (const PlannedStep& step : plan.steps) {
    if (step.id != id || !step.gate.has_value()) continue;
    return absl::PermissionDeniedError(
        absl::StrCat("gate '", id, "' cannot be skipped: approve or reject it"));
  }
  return absl::OkStatus();
}

// The first thing that the person signed for and that is otherwise here.
absl::Status Difference(const Statement& was_signed, const Statement& here) {
  if (was_signed.plan_digest != here.plan_digest || was_signed.plan != here.plan) {
    return absl::FailedPreconditionError(
        absl::StrCat("the plan has changed since this was signed: it was for ", was_signed.plan,
                     " with digest ", was_signed.plan_digest, ", the run's is ", here.plan,
                     " with ", here.plan_digest, ": look at the plan again, and sign again"));
  }
  if (was_signed.run != here.run) {
    return absl::FailedPreconditionError(absl::StrCat(
        "this was signed for run ", was_signed.run, ", not for ", here.run, ": sign for this run"));
  }
  if (was_signed.nonce != here.nonce) {
    return absl::FailedPreconditionError(
        absl::StrCat("this signature answers another question than the one that is asked now (its "
                     "nonce is not that of ",
                     here.step.empty() ? "the run" : absl::StrCat("'", here.step, "'"),
                     "): look at the run again, and sign again"));
  }
  using Field = std::pair<const char*, std::string Statement::*>;
  constexpr std::array<Field, 6> kFields = {{{"act", &Statement::act},
                                             {"step", &Statement::step},
                                             {"by", &Statement::by},
                                             {"delegate_to", &Statement::delegate_to},
                                             {"reason", &Statement::reason},
                                             {"saw", &Statement::saw}}};
  for (const auto& [name, field] : kFields) {
    if (was_signed.*field == here.*field) continue;
    return absl::FailedPreconditionError(absl::StrCat("'", name, "' was signed as '",
                                                      was_signed.*field, "', but the act says '",
                                                      here.*field, "': sign what you send"));
  }
  return absl::OkStatus();
}

absl::Status CheckSignature(const Plan& plan, const Question& question, const PersonAct& act,
                            const SshKeygen& ssh_keygen) {
  if (plan.FindPerson(act.by())->key.empty()) {
    return absl::PermissionDeniedError(
        absl::StrCat("the plan's inventory has no key of ", act.by(),
                     ": let somebody with a key act, or add the key and plan again"));
  }
  if (act.statement().empty() || act.signature().empty()) {
    return absl::UnauthenticatedError(absl::StrCat("to ", ActName(act.act()),
                                                   " needs a signature of ", act.by(),
                                                   ": name the key with --key FILE"));
  }
  ASSIGN_OR_RETURN(const Statement was_signed, ParseStatement(act.statement()));
  RETURN_IF_ERROR(Difference(was_signed, StatementOf(question, act)));
  ASSIGN_OR_RETURN(const std::string signers, AllowedSigners(plan.people));
  return ssh_keygen.Verify(signers, act.by(), act.statement(), act.signature());
}

}  // namespace

absl::Status CheckAct(const Plan& plan, const Question& question, const PersonAct& act,
                      const SshKeygen& ssh_keygen) {
  RETURN_IF_ERROR(CheckSizes(act));
  if (act.by().empty()) return absl::InvalidArgumentError("an act needs a name: say who you are");
  if (act.act() == v1::ACT_SKIP) RETURN_IF_ERROR(CheckNoGate(plan, act.step()));
  if (plan.people.empty() || IsAnybodys(act.act())) return absl::OkStatus();
  RETURN_IF_ERROR(
      CheckPerson(plan, act.by(), "say who you are with --as NAME, or let one of them act"));
  if (act.act() == v1::ACT_DELEGATE) {
    RETURN_IF_ERROR(CheckPerson(plan, act.delegate_to(), "delegate to one of them"));
  }
  return IsSigned(act.act()) ? CheckSignature(plan, question, act, ssh_keygen) : absl::OkStatus();
}

}  // namespace orchestrator
