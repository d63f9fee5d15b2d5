#include "ledger/copy/install.h"

#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "hamisha/ledger/v1/copy.pb.h"
#include "ledger/storage/log.h"
#include "ledger/storage/small_file.h"

namespace ledger {
namespace {

namespace pb = ::hamisha::ledger::v1;

const std::vector<std::string>& Folders() {
  static const std::vector<std::string> folders = {"/snapshots", "/history/filters",
                                                   "/history/runs"};
  return folders;
}

// Those of the empty history that was there: RocksDB must not find them among the new ones.
absl::Status RemoveOthers(base::FileSystem& files, const std::string& data_dir,
                          const pb::CopyManifest& manifest) {
  std::set<std::string> wanted;
  for (const pb::CopyFile& file : manifest.files()) wanted.insert("/" + file.name());
  for (const std::string& folder : Folders()) {
    RETURN_IF_ERROR(files.CreateFolders(data_dir + folder));
    ASSIGN_OR_RETURN(const std::vector<std::string> names, files.List(data_dir + folder));
    for (const std::string& name : names) {
      const std::string path = absl::StrCat(folder, "/", name);
      if (!wanted.contains(path)) RETURN_IF_ERROR(files.Remove(data_dir + path));
    }
    RETURN_IF_ERROR(files.SyncFolder(data_dir + folder));
  }
  RETURN_IF_ERROR(files.SyncFolder(data_dir + "/history"));
  return files.SyncFolder(data_dir);
}

absl::Status Move(base::FileSystem& files, const std::string& data_dir,
                  const pb::CopyManifest& manifest) {
  for (const pb::CopyFile& file : manifest.files()) {
    const std::string from = absl::StrCat(data_dir, "/incoming/", file.name());
    const std::string to = absl::StrCat(data_dir, "/", file.name());
    // One of two: a call before this one may have moved it. Of both the one that came in is meant.
    if (files.Exists(from)) {
      RETURN_IF_ERROR(files.Rename(from, to));
    } else if (!files.Exists(to)) {
      return absl::DataLossError(
          absl::StrCat(to, " is missing, and the copy that had it was whole; remove ", data_dir,
                       "/incoming and let the node copy again"));
    }
  }
  for (const std::string& folder : Folders()) {
    RETURN_IF_ERROR(files.SyncFolder(data_dir + folder));
    RETURN_IF_ERROR(files.SyncFolder(data_dir + "/incoming" + folder));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status FinishCopy(base::FileSystem& files, const std::string& data_dir) {
  const std::string whole = data_dir + "/incoming/whole";
  if (!files.Exists(whole)) return absl::OkStatus();
  const std::string advice =
      absl::StrCat("remove ", data_dir, "/incoming and let the node copy again");
  ASSIGN_OR_RETURN(const std::string content, LoadChecked(files, whole, advice));
  pb::CopyManifest manifest;
  if (!manifest.ParseFromString(content)) {
    return absl::DataLossError(absl::StrCat(whole, " cannot be read; ", advice));
  }
  RETURN_IF_ERROR(RemoveOthers(files, data_dir, manifest));
  RETURN_IF_ERROR(Move(files, data_dir, manifest));
  RETURN_IF_ERROR(SmallFiles(files, data_dir).SaveCopiedHistory(manifest.history_ns()));
  // Only an empty log is started over: no other node copies.
  RETURN_IF_ERROR(Log::StartOver(files, data_dir + "/log", manifest.position() + 1));
  // Last: from here on nothing is done again.
  RETURN_IF_ERROR(files.Remove(whole));
  return files.SyncFolder(data_dir + "/incoming");
}

absl::Status RemoveIncoming(base::FileSystem& files, const std::string& data_dir) {
  const std::string folder = data_dir + "/incoming";
  return files.Exists(folder) ? files.RemoveAll(folder) : absl::OkStatus();
}

}  // namespace ledger
