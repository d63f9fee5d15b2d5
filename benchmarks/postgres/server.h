#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/command_runner.h"
#include "benchmarks/common/folder.h"

namespace benchmarks {

struct ServerOptions {
  std::string programs = "/usr/lib/postgresql/15/bin";  // The folder of initdb and postgres.
  std::string parent;                                   // Of the server's folder.
};

// A PostgreSQL server of its own in a folder of its own, reached by a unix socket in it and by
// nothing else. Run by root, it runs as the user postgres. It ends with this object, and also when
// this program is killed.
class Server {
 public:
  // Call it on a thread that outlives the server. Errors carry what the server said last.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerOptions& options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  const std::string& socket_folder() const { return folder_->path(); }

 private:
  Server(const ServerOptions& options, std::unique_ptr<Folder> folder);
  absl::Status GiveFolderAway();
  absl::Status CreateCluster();
  absl::Status Launch();
  absl::StatusOr<std::unique_ptr<base::Process>> StartProgram(const std::string& name,
                                                              std::vector<std::string> arguments);
  absl::Status Failed(const std::string& what) const;

  const ServerOptions options_;
  const std::unique_ptr<Folder> folder_;
  const std::string log_;
  std::unique_ptr<base::Process> process_;
};

}  // namespace benchmarks
