// What a gate asks for, and who may answer.
#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "orchestrator/engine/asked.h"

namespace orchestrator {
namespace {

using namespace hamisha::orchestrator::v1;  // NOLINT(google-build-using-namespace): acts.

constexpr uint32_t kFourEyes = 2;

absl::Status Refuse(const std::string& why) { return absl::FailedPreconditionError(why); }

// Own roles, and those of people who delegated theirs. Delegating again passes nothing on.
std::set<std::string> RolesOf(const Plan& plan, const AskedRun& asked, const std::string& person) {
  std::set<std::string> roles;
  const auto add = [&](const std::string& name) {
    if (const Person* one = plan.FindPerson(name))
      roles.insert(one->roles.begin(), one->roles.end());
  };
  add(person);
  for (const PersonAct& act : asked.acts) {
    if (act.act() == ACT_DELEGATE && act.delegate_to() == person) add(act.by());
  }
  return roles;
}

bool HoldsOneOf(const std::set<std::string>& held, const std::vector<std::string>& roles) {
  return std::any_of(roles.begin(), roles.end(),
                     [&](const std::string& role) { return held.contains(role); });
}

}  // namespace

std::set<std::string> PeopleWho(const AskedRun& asked, Act act) {
  std::set<std::string> people;
  for (const PersonAct& one : asked.acts) {
    if (one.act() == act) people.insert(one.by());
  }
  return people;
}

absl::Status CheckGateAct(const Plan& plan, const PlannedStep& step, const AskedRun& asked,
                          const PersonAct& act) {
  const std::string roles = absl::StrJoin(step.gate->roles, ", ");
  if (plan.FindPerson(act.by()) == nullptr) {
    return Refuse(absl::StrCat("'", act.by(), "' is not among the inventory's people: gate '",
                               step.id, "' asks for ", roles));
  }
  if (PeopleWho(asked, ACT_DELEGATE).contains(act.by())) {
    return Refuse(absl::StrCat(act.by(), " has delegated gate '", step.id, "' to somebody else"));
  }
  if (!HoldsOneOf(RolesOf(plan, asked, act.by()), step.gate->roles)) {
    return Refuse(absl::StrCat(act.by(), " holds none of the roles that gate '", step.id,
                               "' asks for (", roles, "): ask somebody who does"));
  }
  if (act.act() == ACT_APPROVE && PeopleWho(asked, ACT_APPROVE).contains(act.by())) {
    return Refuse(absl::StrCat(act.by(), " has approved gate '", step.id,
                               "' already: it asks for another person"));
  }
  if (act.act() != ACT_DELEGATE) return absl::OkStatus();
  if (plan.FindPerson(act.delegate_to()) == nullptr || act.delegate_to() == act.by()) {
    return Refuse(absl::StrCat("'", act.delegate_to(),
                               "' cannot stand in: name another of the inventory's people"));
  }
  if (PeopleWho(asked, ACT_APPROVE).contains(act.by())) {
    return Refuse(absl::StrCat(act.by(), " has approved gate '", step.id,
                               "' already: there is nothing to delegate"));
  }
  return absl::OkStatus();
}

std::string DescribeMissing(const Missing& missing) {
  std::vector<std::string> parts;
  if (missing.people > 0) {
    parts.push_back(
        absl::StrCat(missing.people, missing.people == 1 ? " more person" : " more people"));
  }
  if (!missing.roles.empty()) {
    parts.push_back(absl::StrCat("the role ", absl::StrJoin(missing.roles, ", ")));
  }
  return absl::StrJoin(parts, " and ");
}

bool AsksPeople(const PlannedStep& step) {
  return step.gate.has_value() || step.point_of_no_return;
}

Missing MissingOf(const Plan& plan, const PlannedStep& step, const AskedRun& asked) {
  Missing missing;
  const auto lack = [](uint32_t wanted, size_t have) {
    return have >= wanted ? 0 : wanted - static_cast<uint32_t>(have);
  };
  if (step.gate.has_value()) {
    const std::set<std::string> people = PeopleWho(asked, ACT_APPROVE);
    std::set<std::string> held;
    for (const std::string& person : people) held.merge(RolesOf(plan, asked, person));
    for (const std::string& role : step.gate->roles) {
      if (!held.contains(role)) missing.roles.push_back(role);
    }
    missing.people = lack(step.gate->quorum, people.size());
  }
  if (step.point_of_no_return) {
    // An inventory without people has no second one to ask.
    const uint32_t wanted = plan.people.empty() ? 1 : kFourEyes;
    missing.people = std::max(missing.people, lack(wanted, PeopleWho(asked, ACT_COMPLETE).size()));
  }
  return missing;
}

}  // namespace orchestrator
