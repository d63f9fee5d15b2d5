// The orchestrator with as many agents and steps as are promised: a real process with its journal
// on a real disk, and agents in this process, each with its own connection and stream, that answer
// every order at once.
//
// What a step costs is taken on the agents' side (step_clock.h): from when the last result that it
// needs was sent until all its orders have come. The loopback trips both ways, what gRPC costs the
// agents, the sync of the journal and waiting for a core (all share this machine's) are in it. What
// such a trip costs without any journal ("empty_trip_ms") and one sync of the disk ("sync_ms") are
// measured beside it, for comparison only. The p99 of every step leaves out the 0.5 % of steps that
// are on all agents: their cost is told by itself, and for each of their orders.
//
// Three runs of one plan: alone; with somebody who watches; and one in whose middle the
// orchestrator gets kill -9 and is started again.
#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "base/file_system.h"
#include "base/hash.h"
#include "base/invariant.h"
#include "base/locks.h"
#include "base/open_files.h"
#include "benchmarks/common/figures.h"
#include "benchmarks/common/folder.h"
#include "benchmarks/orchestrator/agent_host.h"
#include "benchmarks/orchestrator/big_plan.h"
#include "benchmarks/orchestrator/orchestrator_process.h"
#include "benchmarks/orchestrator/step_clock.h"
#include "hamisha/orchestrator/v1/orchestrator.grpc.pb.h"
#include "rpc/rpc.h"

namespace benchmarks {
namespace {

namespace api = hamisha::orchestrator::v1;
namespace fs = std::filesystem;
using hamisha::agent::v1::Order;
using hamisha::agent::v1::OrderResult;
using nlohmann::json;

struct Settings {
  BigPlanOptions plan;
  std::string folder = "/tmp";
  std::string program;  // hamisha-orchestrator.
  std::string client;   // hamisha.
  double idle_seconds = 3;
  bool without_crash = false;
};

void Pause(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

// Fails the first attempt of steps that are retried; all else succeeds.
OrderResult AnswerTo(const Order& order, const BigPlan& big, StepClock& clock) {
  const hamisha::agent::v1::OrderKey& key = order.key();
  clock.OrderCame(key);
  const size_t index = std::stoul(key.step().substr(1));
  const bool fails = key.attempt() == 1 && big.plan.steps[index].retries > 0;
  OrderResult result;
  *result.mutable_key() = key;
  result.set_outcome(fails ? hamisha::agent::v1::OUTCOME_FAILED
                           : hamisha::agent::v1::OUTCOME_SUCCEEDED);
  result.set_message(fails ? "the lag is 3 s" : "the lag is 120 ms");
  (*result.mutable_facts())["lag_ms"] = fails ? "3000" : "120";
  clock.ResultLeaves(key);
  return result;
}

// What one sync of a growing file takes, as the journal does it.
json MeasureSyncs(const std::string& folder) {
  constexpr size_t kSyncs = 300;
  auto file = base::SystemFileSystem().Open(absl::StrCat(folder, "/syncs"));
  INVARIANT(file.ok());
  const std::string block(4'096, 'x');
  std::vector<double> times_ms;
  for (size_t i = 0; i < kSyncs; ++i) {
    const double start = SecondsNow();
    INVARIANT((*file)->WriteAt(i * block.size(), block).ok() && (*file)->Sync().ok());
    times_ms.push_back((SecondsNow() - start) * 1e3);
  }
  return Spread(times_ms);
}

// All of one benchmark: the orchestrator, the agents and the plan.
class Bench {
 public:
  explicit Bench(const Settings& settings)
      : settings_(settings), big_(MakeBigPlan(settings.plan)), clock_(big_.plan) {
    auto folder = Folder::Create(settings.folder, "bench-orchestrator");
    INVARIANT(folder.ok());
    folder_ = *std::move(folder);
  }

  json Run() {
    result_["compile_s"] = big_.compile_s;
    result_["steps"] = big_.plan.steps.size();
    result_["orders"] = big_.orders;
    result_["sync_ms"] = MeasureSyncs(folder_->path());
    StartOrchestrator("127.0.0.1:0");
    ConnectAgents();
    result_["alone"] = RunPlan([] {});
    result_["watched"] = RunWatched();
    if (!settings_.without_crash) result_["crash"] = RunWithCrash();
    result_["figures"] = ToJson(Figures());
    agents_.reset();
    return result_;
  }

 private:
  void StartOrchestrator(const std::string& listen) {
    auto process = OrchestratorProcess::Start(settings_.program, folder_->path(), listen);
    if (!process.ok()) {
      std::cerr << process.status().message() << "\n";
      std::exit(1);
    }
    orchestrator_ = *std::move(process);
    api_ = api::Orchestrator::NewStub(rpc::Connect(orchestrator_->address()));
  }

  void ConnectAgents() {
    result_["memory_mib"]["without_agents"] = orchestrator_->MemoryMiB();
    std::vector<std::string> hosts;
    for (const auto& host : big_.plan.hosts) hosts.push_back(host.name);
    const double start = SecondsNow();
    agents_ = std::make_unique<AgentHost>(
        hosts, orchestrator_->address(),
        [this](const Order& order) { return AnswerTo(order, big_, clock_); });
    AwaitWelcomes();
    result_["agents"] = hosts.size();
    result_["connected_s"] = SecondsNow() - start;
    Pause(1);
    const double cpu_before = orchestrator_->CpuSeconds();
    Pause(settings_.idle_seconds);
    result_["idle_cpu_share"] = (orchestrator_->CpuSeconds() - cpu_before) / settings_.idle_seconds;
    result_["memory_mib"]["agents_idle"] = orchestrator_->MemoryMiB();
    std::vector<double> trips_ms;
    for (int i = 0; i < 500; ++i) {
      trips_ms.push_back(absl::ToDoubleMilliseconds(agents_->ReceiptOfNothing()));
    }
    result_["empty_trip_ms"] = Spread(trips_ms);
  }

  void AwaitWelcomes() {
    for (size_t welcomed = 0; welcomed < big_.plan.hosts.size(); Pause(0.005)) {
      welcomed += agents_->TakeWelcomed();
    }
  }

  std::string Submit() {
    api::SubmitRunRequest request;
    request.set_playbook_path(big_.playbook.path);
    request.set_playbook_yaml(big_.playbook.yaml);
    request.set_inventory_path(big_.inventory.path);
    request.set_inventory_yaml(big_.inventory.yaml);
    request.set_kind(api::RUN_KIND_REHEARSAL);
    request.set_submitted_by("bench");
    request.set_plan_digest(base::ToHex(big_.plan.digest));
    grpc::ClientContext context;
    api::SubmitRunResponse response;
    const grpc::Status status = api_->SubmitRun(&context, request, &response);
    if (!status.ok()) std::cerr << status.error_message() << "\n";
    INVARIANT(status.ok());
    return response.run();
  }

  api::RunView View() {
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    api::RunView view;
    const grpc::Status status = api_->GetRun(&context, {}, &view);
    if (!status.ok()) std::cerr << status.error_message() << "\n";
    INVARIANT(status.ok());
    return view;
  }

  // Asks for no view before the last orders have come: that would not be a run alone.
  void AwaitEnd() {
    while (clock_.orders() < big_.orders) Pause(0.005);
    for (api::RunView view = View(); !view.has_ended(); view = View()) Pause(0.05);
    INVARIANT(View().state() == api::RUN_STATE_SUCCEEDED);
  }

  template <typename Meanwhile>
  json RunPlan(Meanwhile meanwhile) {
    clock_.Reset();
    const double submitted = SecondsNow();
    const double cpu_before = orchestrator_->CpuSeconds();
    const std::string run = Submit();
    const double started = SecondsNow();
    meanwhile();
    AwaitEnd();
    const double seconds = SecondsNow() - started;
    const double cpu_s = orchestrator_->CpuSeconds() - cpu_before;
    return {{"submit_s", started - submitted},
            {"seconds", seconds},
            {"steps_per_second", static_cast<double>(big_.plan.steps.size()) / seconds},
            {"cost_ms", clock_.Costs()},
            {"cpu_us_per_order", cpu_s * 1e6 / static_cast<double>(big_.orders)},
            {"us_per_order_on_all", MicrosecondsPerOrderOnAll()},
            {"reconnects", agents_->TakeWelcomed()},
            {"memory_mib", orchestrator_->MemoryMiB()},
            {"journal_mib", JournalMiB(run)}};
  }

  double MicrosecondsPerOrderOnAll() const {
    const double step_ms = clock_.Costs()[kAll]["p50"];
    return step_ms * 1e3 / static_cast<double>(big_.plan.hosts.size());
  }

  double JournalMiB(const std::string& run) const {
    return static_cast<double>(fs::file_size(
               absl::StrCat(folder_->path(), "/state/runs/", run, "/journal.jsonl"))) /
           (1 << 20);
  }

  json RunWatched() {
    std::atomic<uint64_t> views = 0;
    std::thread watcher;
    json result = RunPlan([&] {
      watcher = std::thread([&] {
        grpc::ClientContext context;
        const auto reader = api_->WatchRun(&context, {});
        for (api::RunView view; reader->Read(&view);) ++views;
        reader->Finish();
      });
    });
    watcher.join();
    result["views"] = views.load();
    result["view_mib"] = static_cast<double>(View().ByteSizeLong()) / (1 << 20);
    result["status_s"] = TimeStatus();
    return result;
  }

  // The command, started and ended.
  double TimeStatus() {
    const double start = SecondsNow();
    auto process = base::SystemCommandRunner().Start(
        {.arguments = {settings_.client, "status", "--orchestrator", orchestrator_->address(),
                       "--format", "json"},
         .output = absl::StrCat(folder_->path(), "/status")});
    INVARIANT(process.ok());
    INVARIANT((*process)->Wait() == 0);
    return SecondsNow() - start;
  }

  json RunWithCrash() {
    clock_.Reset();
    const std::string run = Submit();
    while (clock_.orders() < big_.orders / 2) Pause(0.001);
    agents_->TakeWelcomed();
    orchestrator_->Kill();
    json result = {{"journal_mib", JournalMiB(run)}};
    Pause(0.2);  // What was under way to the agents has come.
    clock_.ExpectNew();
    const std::string address = orchestrator_->address();
    const double start = SecondsNow();
    StartOrchestrator(address);
    result["listens_s"] = SecondsNow() - start;
    AwaitWelcomes();
    result["all_agents_back_s"] = SecondsNow() - start;
    while (clock_.first_new_ns() == 0) Pause(0.001);
    result["new_order_s"] = static_cast<double>(clock_.first_new_ns()) / 1e9 - start;
    const double status = TimeStatus();
    result["status_s"] = status;
    for (api::RunView view = View(); !view.has_ended(); view = View()) Pause(0.2);
    INVARIANT(View().state() == api::RUN_STATE_SUCCEEDED);
    result["ended_s"] = SecondsNow() - start;
    result["memory_mib"] = orchestrator_->MemoryMiB();
    return result;
  }

  std::vector<Figure> Figures() const {
    const std::string agents = Grouped(settings_.plan.hosts);
    std::vector<Figure> figures = {
        {.figure = absl::StrCat("orchestrator's cost of a step at p99, ", agents, " agents, ",
                                Grouped(settings_.plan.steps), " steps"),
         .measured = result_["alone"]["cost_ms"]["every step"]["p99"],
         .unit = "ms",
         .to_reach = 5.0,
         .limit = std::nullopt},
        {.figure = "the same while somebody watches",
         .measured = result_["watched"]["cost_ms"]["every step"]["p99"],
         .unit = "ms",
         .to_reach = 5.0,
         .limit = std::nullopt},
        {.figure = "one order of a step on all agents, the step's cost divided",
         .measured = result_["alone"]["us_per_order_on_all"],
         .unit = "us"},
        {.figure = absl::StrCat("orchestrator's memory, ", agents, " agents idle"),
         .measured = result_["memory_mib"]["agents_idle"],
         .unit = "MiB"}};
    if (!settings_.without_crash) {
      figures.push_back({.figure = "kill -9 in the middle: start until the next new order",
                         .measured = result_["crash"]["new_order_s"],
                         .unit = "s"});
    }
    return figures;
  }

  const Settings settings_;
  const BigPlan big_;
  StepClock clock_;
  std::unique_ptr<Folder> folder_;
  std::unique_ptr<OrchestratorProcess> orchestrator_;
  std::unique_ptr<api::Orchestrator::Stub> api_;
  std::unique_ptr<AgentHost> agents_;
  json result_;
};

}  // namespace
}  // namespace benchmarks

int main(int argc, char** argv) {
  benchmarks::Settings settings;
  const std::string beside = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  settings.program = beside + "/hamisha-orchestrator";
  settings.client = beside + "/hamisha";
  CLI::App app("The orchestrator with many agents and a long plan.");
  app.add_option("--agents", settings.plan.hosts, "agents; even");
  app.add_option("--steps", settings.plan.steps, "steps of the plan")
      ->check(CLI::Range(100, 10'000));
  app.add_option("--chains", settings.plan.chains, "chains of steps side by side");
  app.add_option("--folder", settings.folder, "on the disk to measure");
  app.add_option("--orchestrator-program", settings.program, "another build of it");
  app.add_option("--idle-seconds", settings.idle_seconds, "to measure idle agents");
  app.add_flag("--without-crash", settings.without_crash, "leave the third run out");
  CLI11_PARSE(app, argc, argv);
  base::DoNotLookForDeadlocks();
  base::RaiseOpenFilesLimit();
  std::cout << benchmarks::Bench(settings).Run().dump(2) << "\n";
  return 0;
}
