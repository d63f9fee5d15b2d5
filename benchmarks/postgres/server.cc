#include "benchmarks/postgres/server.h"

#include <libpq-fe.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/file_system.h"
#include "base/status_macros.h"

namespace benchmarks {
namespace {

constexpr char kUser[] = "postgres";
// sockaddr_un holds 107 characters; "/.s.PGSQL.5432" goes behind the folder.
constexpr size_t kFolderCharactersMax = 90;

// A quarter of the memory, as PostgreSQL's manual advises, and no more than pays.
uint64_t SharedBuffersMib() {
  const auto pages = static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES));
  const auto page_bytes = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  return std::clamp<uint64_t>((pages * page_bytes >> 20) / 4, 128, 8'192);
}

// The fastest that a commit answered OK survives a crash of the machine with.
std::vector<std::string> Settings() {
  return {
      // What makes a commit safe; the defaults, said aloud.
      "fsync=on",
      "synchronous_commit=on",
      "full_page_writes=on",
      // Memory and the write-ahead log: few, spread checkpoints; segments are used again.
      absl::StrCat("shared_buffers=", SharedBuffersMib(), "MB"),
      "huge_pages=try",
      "wal_level=minimal",
      "max_wal_senders=0",
      "wal_compression=lz4",
      "wal_buffers=64MB",
      "max_wal_size=16GB",
      "min_wal_size=4GB",
      "checkpoint_timeout=15min",
      "checkpoint_completion_target=0.9",
      // An SSD, short statements.
      "random_page_cost=1.1",
      "work_mem=64MB",
      "jit=off",
      "max_parallel_workers_per_gather=0",
      "update_process_title=off",
      "max_connections=200",
      "listen_addresses=",
      "unix_socket_permissions=0700",
  };
}

}  // namespace

Server::Server(const ServerOptions& options, std::unique_ptr<Folder> folder)
    : options_(options), folder_(std::move(folder)), log_(folder_->path() + "/server.log") {}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerOptions& options) {
  ASSIGN_OR_RETURN(std::unique_ptr<Folder> folder,
                   Folder::Create(options.parent, "bench-postgres"));
  if (folder->path().size() > kFolderCharactersMax) {
    return absl::InvalidArgumentError(
        absl::StrCat(folder->path(), " is too long for a socket: choose a shorter --folder"));
  }
  std::unique_ptr<Server> server(new Server(options, std::move(folder)));
  RETURN_IF_ERROR(server->GiveFolderAway());
  RETURN_IF_ERROR(server->CreateCluster());
  RETURN_IF_ERROR(server->Launch());
  return server;
}

Server::~Server() {
  if (process_ == nullptr) return;
  process_->Signal(SIGINT);  // A fast shutdown: transactions are rolled back.
  process_->Wait();
}

// PostgreSQL refuses to run as root.
absl::Status Server::GiveFolderAway() {
  if (::geteuid() != 0) return absl::OkStatus();
  passwd user = {};
  passwd* found = nullptr;
  std::array<char, 4'096> text = {};
  ::getpwnam_r(kUser, &user, text.data(), text.size(), &found);
  if (found == nullptr) {
    return absl::NotFoundError("no user postgres: install Debian's postgresql-15");
  }
  if (::chown(folder_->path().c_str(), user.pw_uid, user.pw_gid) != 0) {
    return absl::InternalError(absl::StrCat(
        "giving ", folder_->path(), " to postgres: ", std::generic_category().message(errno)));
  }
  return absl::OkStatus();
}

absl::Status Server::CreateCluster() {
  ASSIGN_OR_RETURN(std::unique_ptr<base::Process> initdb,
                   StartProgram("initdb", {"--username=postgres", "--auth=trust", "--encoding=UTF8",
                                           "--locale=C", "--no-sync", "--no-instructions"}));
  return initdb->Wait() == 0 ? absl::OkStatus() : Failed("initdb");
}

absl::Status Server::Launch() {
  std::vector<std::string> arguments = {"-k", folder_->path()};
  for (const std::string& setting : Settings()) {
    arguments.insert(arguments.end(), {"-c", setting});
  }
  ASSIGN_OR_RETURN(process_, StartProgram("postgres", std::move(arguments)));
  const std::string where = absl::StrCat("host=", folder_->path(), " user=postgres");
  for (int attempt = 0; attempt < 600; ++attempt) {
    if (!process_->Running()) return Failed("postgres");
    if (::PQping(where.c_str()) == PQPING_OK) return absl::OkStatus();
    absl::SleepFor(absl::Milliseconds(50));
  }
  return Failed("postgres, in half a minute,");
}

// In a group of its own: Ctrl-C reaches this program, which then ends the server in order.
absl::StatusOr<std::unique_ptr<base::Process>> Server::StartProgram(
    const std::string& name, std::vector<std::string> arguments) {
  base::Command command;
  if (::geteuid() == 0) {
    // `keep`: another user forgets that it is to end with this program.
    command.arguments = {"/usr/bin/setpriv", absl::StrCat("--reuid=", kUser),
                         absl::StrCat("--regid=", kUser), "--init-groups", "--pdeathsig=keep"};
  }
  command.arguments.insert(command.arguments.end(), {absl::StrCat(options_.programs, "/", name),
                                                     "-D", folder_->path() + "/data"});
  command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
  command.output = log_;
  command.own_group = true;
  return base::SystemCommandRunner().Start(command);
}

absl::Status Server::Failed(const std::string& what) const {
  constexpr size_t kTailBytes = 1'000;
  const auto log = base::SystemFileSystem().Read(log_);
  const std::string said = log.ok() ? *log : "";
  return absl::InternalError(absl::StrCat(
      what, " failed; it said: ", said.substr(said.size() - std::min(said.size(), kTailBytes)),
      "\nThe folder must be one that the user postgres can reach: see --folder, and --programs"));
}

}  // namespace benchmarks
