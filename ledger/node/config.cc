#include "ledger/node/config.h"

#include <google/protobuf/util/json_util.h>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/status_macros.h"
#include "ledger/core/record.h"

namespace ledger {
namespace {

constexpr uint32_t kShardMax = 0xffff;
constexpr uint32_t kCopyStreamsMax = 16;  // Half of what one source serves.

std::string KeyPath(const std::string& data_dir) { return data_dir + "/key.pem"; }

}  // namespace

absl::StatusOr<pb::NodeConfig> ReadConfig(base::FileSystem& files, const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, files.Read(path));
  pb::NodeConfig config;
  const auto status = google::protobuf::util::JsonStringToMessage(text, &config);
  if (!status.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " is no NodeConfig in JSON: ", std::string(status.message())));
  }
  return config;
}

absl::StatusOr<MemberKeys> CheckConfig(const pb::NodeConfig& config) {
  if (config.shard() > kShardMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("shard ", config.shard(), ": at most ", kShardMax));
  }
  if (config.copy_streams() > kCopyStreamsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("copy_streams ", config.copy_streams(), ": at most ", kCopyStreamsMax));
  }
  if (config.data_dir().empty()) return absl::InvalidArgumentError("data_dir is empty");
  MemberKeys keys;
  for (const pb::Member& member : config.members()) {
    const std::string& id = member.node_id();
    if (id.empty() || id.size() > kNodeIdBytesMax) {
      return absl::InvalidArgumentError(
          absl::StrCat("members: node_id '", id, "' must have 1 to ", kNodeIdBytesMax, " bytes"));
    }
    const absl::StatusOr<std::string> key = base::FromHex(member.public_key());
    if (!key.ok() || key->size() != 32) {
      return absl::InvalidArgumentError(
          absl::StrCat("members: public_key of ", id,
                       " must be 64 hexadecimal digits; `hamisha-ledger init` "
                       "prints them"));
    }
    if (!keys.emplace(id, *key).second) {
      return absl::InvalidArgumentError(absl::StrCat("members: ", id, " is there twice"));
    }
  }
  if (!keys.contains(config.node_id())) {
    return absl::InvalidArgumentError(
        absl::StrCat("node_id '", config.node_id(), "' is not among the members"));
  }
  return keys;
}

absl::StatusOr<std::string> CreateKey(base::FileSystem& files, const std::string& data_dir) {
  RETURN_IF_ERROR(files.CreateFolders(data_dir));
  if (!files.Exists(KeyPath(data_dir))) {
    RETURN_IF_ERROR(files.Replace(KeyPath(data_dir), base::SigningKey::Generate().ToPem()));
  }
  ASSIGN_OR_RETURN(const std::string pem, files.Read(KeyPath(data_dir)));
  ASSIGN_OR_RETURN(const base::SigningKey key, base::SigningKey::FromPem(pem));
  return base::ToHex(key.public_key());
}

absl::StatusOr<base::SigningKey> LoadKey(base::FileSystem& files, const pb::NodeConfig& config,
                                         const MemberKeys& keys) {
  const std::string path = KeyPath(config.data_dir());
  if (!files.Exists(path)) {
    return absl::FailedPreconditionError(absl::StrCat(
        path, " is missing; run `hamisha-ledger init --data ", config.data_dir(), "` first"));
  }
  ASSIGN_OR_RETURN(const std::string pem, files.Read(path));
  ASSIGN_OR_RETURN(base::SigningKey key, base::SigningKey::FromPem(pem));
  if (key.public_key() != keys.at(config.node_id())) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " holds the key with the public part ", base::ToHex(key.public_key()),
                     ", which is not the one that the members list for ", config.node_id()));
  }
  return key;
}

}  // namespace ledger
