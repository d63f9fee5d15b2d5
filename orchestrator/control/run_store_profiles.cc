// What runs left about how long their steps took.
#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/status_macros.h"
#include "orchestrator/control/run_store.h"

namespace orchestrator {
namespace {

constexpr size_t kProfilesMax = 16;  // So many samples of a step count.

}  // namespace

std::string RunStore::ProfilePath(const std::string& run) const {
  return absl::StrCat(folder_, "/runs/", run, "/profile.json");
}

std::string RunStore::ImportedFolder(const std::string& playbook_digest) const {
  return absl::StrCat(folder_, "/profiles/", playbook_digest);
}

absl::Status RunStore::LeaveProfile(const Profile& profile) {
  return files_.Replace(ProfilePath(profile.run), ToJson(profile));
}

absl::StatusOr<Profile> RunStore::ProfileOf(const std::string& run) const {
  ASSIGN_OR_RETURN(const std::vector<std::string> runs, Runs());
  if (std::find(runs.begin(), runs.end(), run) == runs.end()) {
    return absl::NotFoundError(absl::StrCat("there is no run '", run, "'"));
  }
  if (!files_.Exists(ProfilePath(run))) {
    return absl::NotFoundError(
        absl::StrCat("run '", run, "' has left no profile: it does when it ends"));
  }
  ASSIGN_OR_RETURN(const std::string json, files_.Read(ProfilePath(run)));
  return ParseProfile(ProfilePath(run), json);
}

absl::Status RunStore::ImportProfile(const Profile& profile) {
  const bool is_digest =
      profile.playbook_digest.size() == 64 &&
      std::all_of(profile.playbook_digest.begin(), profile.playbook_digest.end(),
                  [](char c) { return absl::ascii_isxdigit(static_cast<unsigned char>(c)); });
  if (!is_digest) {
    return absl::InvalidArgumentError("the profile's playbook_digest is no SHA-256 in hexadecimal");
  }
  const std::string json = ToJson(profile);
  const std::string folder = ImportedFolder(profile.playbook_digest);
  RETURN_IF_ERROR(files_.CreateFolders(folder));
  return files_.Replace(absl::StrCat(folder, "/", base::ToHex(base::Sha256Of(json)), ".json"),
                        json);
}

absl::StatusOr<std::vector<Profile>> RunStore::Profiles(const std::string& playbook_digest) const {
  std::vector<std::string> paths;
  ASSIGN_OR_RETURN(const std::vector<std::string> runs, Runs());
  for (const std::string& run : runs) paths.push_back(ProfilePath(run));
  if (const std::string folder = ImportedFolder(playbook_digest); files_.Exists(folder)) {
    ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.List(folder));
    for (const std::string& name : names) {
      if (absl::EndsWith(name, ".json")) paths.push_back(absl::StrCat(folder, "/", name));
    }
  }
  std::vector<Profile> profiles;
  std::set<std::pair<std::string, absl::Time>> known;  // A run's own may have been imported, too.
  for (const std::string& path : paths) {
    if (!files_.Exists(path)) continue;
    ASSIGN_OR_RETURN(const std::string json, files_.Read(path));
    if (!absl::StrContains(json, playbook_digest)) continue;
    ASSIGN_OR_RETURN(Profile profile, ParseProfile(path, json));
    if (profile.playbook_digest != playbook_digest) continue;
    if (known.insert({profile.run, profile.started}).second) profiles.push_back(std::move(profile));
  }
  std::sort(profiles.begin(), profiles.end(),
            [](const Profile& a, const Profile& b) { return a.started < b.started; });
  if (profiles.size() > kProfilesMax) {
    profiles.erase(profiles.begin(), profiles.end() - kProfilesMax);
  }
  return profiles;
}

}  // namespace orchestrator
