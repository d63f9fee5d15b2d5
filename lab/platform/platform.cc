#include "lab/platform/platform.h"

#include <google/protobuf/util/json_util.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/file_system.h"
#include "base/status_macros.h"
#include "hamisha/orchestrator/v1/orchestrator.grpc.pb.h"
#include "orchestrator/approval/ssh_keygen.h"
#include "rpc/rpc.h"

namespace lab {
namespace {

constexpr absl::Duration kStartMax = absl::Seconds(20);
constexpr absl::Duration kLookEvery = absl::Milliseconds(5);
constexpr absl::Duration kRelayTurnMax = absl::Milliseconds(100);
constexpr absl::Duration kEndPatience = absl::Seconds(5);
constexpr size_t kLogLinesShown = 8;
constexpr size_t kKeyDigits = 64;

std::string HowItEnded(int code) {
  return code > 128 ? absl::StrCat("ended by signal ", code - 128)
                    : absl::StrCat("ended with code ", code);
}

bool IsKey(absl::string_view line) {
  return line.size() == kKeyDigits &&
         line.find_first_not_of("0123456789abcdef") == absl::string_view::npos;
}

absl::StatusOr<std::string> FindKey(const std::string& output) {
  for (const absl::string_view line : absl::StrSplit(output, '\n')) {
    if (IsKey(line)) return std::string(line);
  }
  return absl::InternalError(absl::StrCat("hamisha-ledger init printed no public key:\n", output));
}

}  // namespace

Platform::Platform(PlatformOptions options, const base::Clock& clock)
    : options_(std::move(options)), clock_(clock), hosts_(HostsOf(options_.lab)) {}

absl::StatusOr<std::unique_ptr<Platform>> Platform::BringUp(PlatformOptions options,
                                                            const base::Clock& clock) {
  std::unique_ptr<Platform> platform(new Platform(std::move(options), clock));
  RETURN_IF_ERROR(platform->Prepare());
  RETURN_IF_ERROR(platform->StartAll());
  RETURN_IF_ERROR(platform->AwaitAgents());
  return platform;
}

Platform::~Platform() {
  // A cut link would keep processes waiting for what cannot come.
  if (relay_ != nullptr) relay_->Heal();
  if (supervisor_ != nullptr) supervisor_->EndAll(kEndPatience);
  supervisor_.reset();
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (relay_thread_.joinable()) {
    relay_->Wake();
    relay_thread_.join();
  }
}

absl::Status Platform::Prepare() {
  base::FileSystem& files = base::SystemFileSystem();
  for (const char* const folder : {"logs", "config", "nodes", "gateways", "agents", "people"}) {
    RETURN_IF_ERROR(files.CreateFolders(absl::StrCat(options_.directory, "/", folder)));
  }
  if (files.Exists(inventory_path())) {
    return absl::FailedPreconditionError(
        absl::StrCat(options_.directory, " already holds a lab: name a new directory"));
  }
  supervisor_ = std::make_unique<Supervisor>(
      base::SystemCommandRunner(),
      [this](const std::string& name, int code) { OnDeath(name, code); });
  Addresses addresses;
  std::vector<std::string> listening = {"orchestrator"};
  for (const Host& host : hosts_) listening.push_back(host.name);
  for (const std::string& name : listening) {
    ASSIGN_OR_RETURN(ReservedPort port, ReservedPort::Reserve());
    addresses.direct[name] = port.address();
    ports_.emplace(name, std::move(port));
  }
  RETURN_IF_ERROR(StartRelay(addresses));
  RETURN_IF_ERROR(MakeNodes(addresses));
  RETURN_IF_ERROR(MakePeople(addresses));
  const Layout layout(options_.lab, options_.directory, addresses);
  RETURN_IF_ERROR(WriteConfigs(layout));
  return files.Replace(inventory_path(), layout.Inventory());
}

absl::Status Platform::StartRelay(Addresses& addresses) {
  ASSIGN_OR_RETURN(relay_, Relay::Create(options_.lab.link, clock_));
  const auto cross = [&](const std::string& name, Site from) -> absl::Status {
    ASSIGN_OR_RETURN(addresses.relayed[name], relay_->Listen(from, addresses.direct.at(name)));
    return absl::OkStatus();
  };
  for (const Host& host : hosts_) {
    if (host.gateway) continue;
    RETURN_IF_ERROR(cross(host.name, host.site == "source" ? Site::kTarget : Site::kSource));
  }
  RETURN_IF_ERROR(cross("orchestrator", Site::kSource));
  relay_thread_ = std::thread([this] {
    while (true) {
      relay_->RunOnce(kRelayTurnMax);
      const absl::MutexLock lock(&mutex_);
      if (stopping_) return;
    }
  });
  return absl::OkStatus();
}

absl::Status Platform::MakeNodes(Addresses& addresses) {
  for (const Host& host : hosts_) {
    if (host.gateway) continue;
    const std::string task = absl::StrCat("init-", host.name);
    const std::string folder = Layout::NodeFolder(options_.directory, host.name);
    RETURN_IF_ERROR(base::SystemFileSystem().CreateFolders(folder));
    RETURN_IF_ERROR(RunToEnd(task, "hamisha-ledger", {"init", "--data", folder}, kStartMax));
    uint64_t offset = 0;
    ASSIGN_OR_RETURN(addresses.keys[host.name], FindKey(LogOf(task).ReadFrom(offset)));
  }
  return absl::OkStatus();
}

absl::Status Platform::MakePeople(Addresses& addresses) {
  const orchestrator::SshKeygen ssh_keygen(base::SystemCommandRunner(), base::SystemFileSystem(),
                                           options_.directory);
  for (const LabPerson& person : options_.lab.people) {
    ASSIGN_OR_RETURN(
        addresses.people[person.name],
        ssh_keygen.Generate(Layout::KeyPath(options_.directory, person.name), person.name));
  }
  return absl::OkStatus();
}

absl::Status Platform::WriteConfigs(const Layout& layout) {
  const std::string state = absl::StrCat(options_.directory, "/orchestrator");
  std::vector<Service> agents;
  for (const Host& host : hosts_) {
    const std::string name = host.gateway ? host.name : LedgerProcess(host.site, host.shard);
    if (host.gateway) {
      RETURN_IF_ERROR(WriteConfig(name, layout.GatewayConfigOf(host)));
    } else {
      RETURN_IF_ERROR(WriteConfig(name, layout.NodeConfigOf(host)));
    }
    std::vector<std::string> arguments = {"--config", ConfigPath(name)};
    if (!host.gateway) arguments.insert(arguments.begin(), "serve");
    const std::string program = host.gateway ? "hamisha-gateway" : "hamisha-ledger";
    services_.push_back({.name = name,
                         .command = CommandOf(name, program, arguments),
                         .listens = true,
                         .address = ports_.at(host.name).address()});
    const auto limit = options_.lab.open_files_max.find(host.site);
    if (!host.gateway && limit != options_.lab.open_files_max.end()) {
      services_.back().command.open_files_max = limit->second;
    }
    const std::string agent = AgentProcess(host.name);
    RETURN_IF_ERROR(WriteConfig(agent, layout.AgentConfigOf(host)));
    agents.push_back({.name = agent,
                      .command = CommandOf(agent, "hamisha-agent", {"--config", ConfigPath(agent)}),
                      .address = ""});
  }
  services_.push_back({.name = "orchestrator",
                       .command = CommandOf("orchestrator", "hamisha-orchestrator",
                                            {"--state", state, "--listen", orchestrator()}),
                       .listens = true,
                       .address = orchestrator()});
  services_.insert(services_.end(), agents.begin(), agents.end());
  return absl::OkStatus();
}

absl::Status Platform::WriteConfig(const std::string& name,
                                   const google::protobuf::Message& config) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto written = google::protobuf::util::MessageToJsonString(config, &json, options);
  if (!written.ok()) return absl::InternalError(absl::StrCat("config of ", name, ": not JSON"));
  return base::SystemFileSystem().Replace(ConfigPath(name), json);
}

std::string Platform::ConfigPath(const std::string& name) const {
  return absl::StrCat(options_.directory, "/config/", name, ".json");
}

absl::Status Platform::StartAll() {
  for (const Host& host : hosts_) {
    if (host.gateway || host.site != "source") continue;
    const std::string config = ConfigPath(LedgerProcess(host.site, host.shard));
    RETURN_IF_ERROR(RunToEnd(absl::StrCat("bootstrap-", host.name), "hamisha-ledger",
                             {"bootstrap", "--config", config}, kStartMax));
  }
  for (const Service& service : services_) RETURN_IF_ERROR(Launch(service));
  return absl::OkStatus();
}

absl::Status Platform::AwaitAgents() {
  namespace api = hamisha::orchestrator::v1;
  const auto stub = api::Orchestrator::NewStub(rpc::Connect(orchestrator()));
  const absl::Duration deadline = clock_.MonotonicNow() + kStartMax;
  std::vector<std::string> missing;
  while (clock_.MonotonicNow() < deadline) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(clock_.WallNow() + absl::Seconds(1)));
    api::ListAgentsResponse response;
    const grpc::Status answered = stub->ListAgents(&context, {}, &response);
    std::map<std::string, bool> connected;
    for (const api::AgentView& agent : response.agents()) {
      connected[agent.host()] = agent.connected();
    }
    missing.clear();
    for (const Host& host : hosts_) {
      if (!connected[host.name]) missing.push_back(AgentProcess(host.name));
    }
    if (answered.ok() && missing.empty()) return absl::OkStatus();
    if (const auto ends = unexpected_ends(); !ends.empty()) {
      return absl::InternalError(absl::StrJoin(ends, "\n"));
    }
    absl::SleepFor(absl::Milliseconds(20));
  }
  return absl::DeadlineExceededError(
      absl::StrCat("these agents did not reach the orchestrator: ", absl::StrJoin(missing, ", "),
                   "; see ", options_.directory, "/logs"));
}

absl::Status Platform::Launch(const Service& service) {
  {
    const absl::MutexLock lock(&mutex_);
    ends_.erase(service.name);
  }
  const uint64_t offset = LogOf(service.name).Size();
  RETURN_IF_ERROR(supervisor_->Start(service.name, service.command, Lifetime::kService));
  return service.listens ? AwaitListening(service, offset) : absl::OkStatus();
}

absl::Status Platform::AwaitListening(const Service& service, uint64_t log_offset) {
  const LogFile log = LogOf(service.name);
  const absl::Duration deadline = clock_.MonotonicNow() + kStartMax;
  std::string written;
  while (clock_.MonotonicNow() < deadline) {
    const bool runs = supervisor_->PidOf(service.name) != 0;
    written += log.ReadFrom(log_offset);
    if (absl::StrContains(written, "listening on ")) return absl::OkStatus();
    if (!runs) {
      return absl::InternalError(absl::StrCat(
          service.name, " ended before it listened; it wrote:\n", log.LastLines(kLogLinesShown)));
    }
    absl::SleepFor(kLookEvery);
  }
  return absl::DeadlineExceededError(
      absl::StrCat(service.name, " did not say that it listens; see ", log.path()));
}

void Platform::OnDeath(const std::string& name, int code) {
  const LogFile log = LogOf(name);
  const std::string how = absl::StrCat(HowItEnded(code), ", see ", log.path());
  {
    const absl::MutexLock lock(&mutex_);
    ends_[name] = how;
    ends_ever_.push_back(absl::StrCat(name, " ", how));
  }
  options_.say(absl::StrCat(name, " ", how, "; its last lines:\n", log.LastLines(kLogLinesShown)));
}

base::Command Platform::CommandOf(const std::string& name, const std::string& program,
                                  std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), absl::StrCat(options_.programs, "/", program));
  return {.arguments = std::move(arguments), .output = LogOf(name).path(), .own_group = true};
}

LogFile Platform::LogOf(const std::string& name) const {
  return {base::SystemFileSystem(), absl::StrCat(options_.directory, "/logs/", name, ".log")};
}

absl::Status Platform::RunToEnd(const std::string& name, const std::string& program,
                                std::vector<std::string> arguments, absl::Duration timeout) {
  RETURN_IF_ERROR(
      supervisor_->Start(name, CommandOf(name, program, std::move(arguments)), Lifetime::kTask));
  ASSIGN_OR_RETURN(const int code, supervisor_->AwaitEnd(name, timeout));
  if (code == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(name, " ", HowItEnded(code), "; it wrote:\n",
                                          LogOf(name).LastLines(kLogLinesShown)));
}

}  // namespace lab
