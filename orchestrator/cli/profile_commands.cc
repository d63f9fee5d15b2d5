#include "orchestrator/cli/profile_commands.h"

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/file_system.h"
#include "orchestrator/cli/client.h"
#include "orchestrator/cli/terminal.h"
#include "orchestrator/cli/text.h"

namespace orchestrator {
namespace {

constexpr uint64_t kSeed = 1;

int Fail(const Client& client, const absl::Status& status) {
  PrintError(absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status)
                 ? absl::StrCat("cannot reach the orchestrator at ", client.address(), ": ",
                                std::string(status.message()))
                 : std::string(status.message()));
  return absl::IsInvalidArgument(status) ? kExitInvalid : kExitError;
}

std::string Render(const Profile& profile, absl::TimeZone zone) {
  std::vector<std::vector<std::string>> rows = {{"step", "", "action", "hosts", "took"}};
  for (const ProfileSample& sample : profile.samples) {
    rows.push_back({Printable(sample.step), sample.back < 0 ? "" : "back",
                    absl::StrCat(sample.undo ? "undo of " : "", Printable(sample.action)),
                    absl::StrCat(sample.hosts), HumanDuration(absl::Seconds(sample.seconds))});
  }
  return absl::StrCat("run       ", Printable(profile.run), "  ", Printable(profile.kind), ", ",
                      Printable(profile.outcome), "\nplan      ", Printable(profile.plan),
                      "\nplaybook  ", Printable(profile.playbook_digest), "\nstarted   ",
                      ToRfc3339(profile.started, zone), "  took ",
                      HumanDuration(profile.ended - profile.started), "\n\n",
                      absl::StrJoin(Align(rows), "\n"), "\n");
}

}  // namespace

int ShowProfile(const Options& options) {
  Client client(options.orchestrator);
  const auto view = client.GetProfile(options.run);
  if (!view.ok()) return Fail(client, view.status());
  if (options.json()) {
    std::cout << view->json();
    return kExitOk;
  }
  const auto profile = ParseProfile(view->run(), view->json());
  if (!profile.ok()) return Fail(client, profile.status());
  std::cout << Render(*profile, absl::LocalTimeZone());
  return kExitOk;
}

int ExportProfile(const Options& options) {
  Options as_json = options;
  as_json.format = "json";
  return ShowProfile(as_json);
}

int ImportProfile(const Options& options) {
  const std::string& path = options.profiles.front();
  const auto json = base::SystemFileSystem().Read(path);
  if (!json.ok()) {
    PrintError(std::string(json.status().message()));
    return kExitInvalid;
  }
  Client client(options.orchestrator);
  const auto imported = client.ImportProfile(path, *json);
  if (!imported.ok()) return Fail(client, imported.status());
  std::cout << "imported the profile of run " << Printable(imported->run()) << ", plan "
            << Printable(imported->plan()) << "\n";
  return kExitOk;
}

std::optional<std::vector<Profile>> ReadProfiles(const std::vector<std::string>& paths) {
  std::vector<Profile> profiles;
  for (const std::string& path : paths) {
    const auto json = base::SystemFileSystem().Read(path);
    absl::StatusOr<Profile> profile =
        json.ok() ? ParseProfile(path, *json) : absl::StatusOr<Profile>(json.status());
    if (!profile.ok()) {
      PrintError(std::string(profile.status().message()));
      return std::nullopt;
    }
    profiles.push_back(*std::move(profile));
  }
  return profiles;
}

PlanFit FitOfPlan(const Plan& plan, const std::vector<Profile>& profiles) {
  if (!plan.window.has_value()) return {};
  const Forecaster forecaster(std::make_shared<const Plan>(plan), profiles, kSeed);
  return {.fit = FitOf(forecaster, *plan.window),
          .unprofiled = UnprofiledText(forecaster.durations())};
}

}  // namespace orchestrator
