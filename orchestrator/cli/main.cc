// hamisha: the operator's command line.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <climits>
#include <cstring>
#include <functional>
#include <iostream>
#include <string>
#include <system_error>
#include <vector>

#include "orchestrator/cli/act_command.h"
#include "orchestrator/cli/act_options.h"
#include "orchestrator/cli/local_commands.h"
#include "orchestrator/cli/options.h"
#include "orchestrator/cli/preflight_command.h"
#include "orchestrator/cli/profile_commands.h"
#include "orchestrator/cli/remote_commands.h"

namespace orchestrator {
namespace {

constexpr const char* kFooter = R"(
Examples:
  hamisha validate playbooks/weekend_cutover.yaml --inventory inventory.yaml
  hamisha plan     playbooks/weekend_cutover.yaml --inventory inventory.yaml
  hamisha simulate playbooks/weekend_cutover.yaml --inventory inventory.yaml --seeds 10000
  hamisha run      playbooks/weekend_cutover.yaml --inventory inventory.yaml
  hamisha run      playbooks/weekend_cutover.yaml --inventory inventory.yaml --execute
  hamisha watch
  hamisha approve  RUN go --as asha --key ~/.ssh/id_ed25519
  hamisha rollback RUN --reason "error rate at the gateways"
  hamisha report --format json

Exit codes: 0 ok, 1 error, 2 invalid playbook or usage, 3 refused by a guardrail, 4 agents
unreachable, 5 verification mismatch, 6 rolled back cleanly, 7 outcome unknown, 8 waiting for
approval, 130 interrupted.)";

// Commands that are programs of their own, beside this one.
struct Sibling {
  const char* command;
  const char* program;
  bool keeps_command;  // `hamisha rehearse …` is `hamisha-lab rehearse …`.
};
constexpr Sibling kSiblings[] = {{"lab", "hamisha-lab", false},
                                 {"rehearse", "hamisha-lab", true},
                                 {"simulate", "hamisha-simulate", false}};

// Returns only when the program cannot be started.
int Exec(const Sibling& sibling, int argc, char** argv) {
  std::string path(PATH_MAX, '\0');
  const ssize_t length = readlink("/proc/self/exe", path.data(), path.size());
  path.resize(length < 0 ? 0 : static_cast<size_t>(length));
  path = path.substr(0, path.rfind('/') + 1) + sibling.program;
  std::vector<char*> arguments = {path.data()};
  const int first = sibling.keeps_command ? 1 : 2;
  for (int i = first; i < argc; ++i) arguments.push_back(argv[i]);
  arguments.push_back(nullptr);
  execv(path.c_str(), arguments.data());
  std::cerr << "error: cannot start " << path << ": " << std::generic_category().message(errno)
            << "\n";
  return kExitError;
}

class CommandLine {
 public:
  CommandLine() {
    app_.require_subcommand(1);
    app_.set_version_flag("--version", "hamisha " HAMISHA_VERSION);
    app_.add_option("--no-color", options_.no_colour)->envname("NO_COLOR")->group("");
    AddPlanCommands();
    AddPreflight();
    AddRun();
    AddRunCommands();
    AddActCommands();
    AddProfile();
    AddFormat(AddOrchestrator(Add("agents", "Lists the agents that have connected", ShowAgents)));
    app_.add_subcommand("rehearse", "Rehearses a playbook on a lab: see hamisha rehearse --help");
    app_.add_subcommand("simulate",
                        "Plays a playbook in a simulated world: see hamisha simulate --help");
    app_.add_subcommand("lab", "Brings a platform up on this machine: see hamisha lab --help");
    app_.footer(kFooter);  // After the commands, which would inherit it.
  }

  int Run(int argc, char** argv) {
    const auto is_named = [&](const CLI::App* app) { return app->get_name() == argv[1]; };
    if (argc > 1 && argv[1][0] != '-' && app_.get_subcommands(is_named).empty()) {
      std::cerr << "error: there is no command '" << argv[1] << "': see hamisha --help\n";
      return kExitInvalid;
    }
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return app_.exit(error, std::cout, std::cerr) == 0 ? kExitOk : kExitInvalid;
    }
    return command_(options_);
  }

 private:
  using Command = int (*)(const Options&);

  CLI::App* Add(const std::string& name, const std::string& summary, Command command) {
    CLI::App* app = app_.add_subcommand(name, summary);
    app->callback([this, command] { command_ = command; });
    return app;
  }

  CLI::App* AddFormat(CLI::App* app) {
    app->add_option("--format", options_.format, "text or json")
        ->check(CLI::IsMember({"text", "json"}))
        ->capture_default_str();
    return app;
  }

  CLI::App* AddFiles(CLI::App* app) {
    app->add_option("PLAYBOOK", options_.playbook, "The playbook, YAML")->required();
    app->add_option("--inventory", options_.inventory, "The servers, YAML")->required();
    return app;
  }

  CLI::App* AddOrchestrator(CLI::App* app, bool required = true) {
    app->add_option("--orchestrator", options_.orchestrator, "Its address, HOST:PORT")
        ->envname("HAMISHA_ORCHESTRATOR")
        ->required(required);
    return app;
  }

  CLI::App* AddConfirm(CLI::App* app) {
    app->add_option("--confirm", options_.confirm,
                    "The plan's name, for live runs; else it is asked for on the terminal");
    app->add_flag("--detach", options_.detach, "Do not watch: return when it has begun");
    return app;
  }

  void AddPlanCommands() {
    AddFormat(AddFiles(
        Add("validate", "Reports all problems of a playbook; contacts nothing", Validate)));
    CLI::App* plan = Add("plan",
                         "Shows the compiled steps, hosts and needs, and whether the plan fits "
                         "into its window; contacts nothing",
                         ShowPlan);
    AddProfiles(AddFormat(AddFiles(plan)));
    plan->footer("Exit code 3: it does not fit into its window, with the time to go back kept.");
    CLI::App* docs = app_.add_subcommand("docs", "Writes what playbooks may say; contacts nothing");
    docs->require_subcommand(1);
    const auto add = [&](const std::string& name, const std::string& summary, Command command) {
      docs->add_subcommand(name, summary)->callback([this, command] { command_ = command; });
    };
    add("reference", "The reference page: files, conditions, actions; Markdown", PrintReference);
    add("schema", "A JSON Schema of playbooks, files of steps and inventories", PrintSchema);
  }

  CLI::App* AddProfiles(CLI::App* app) {
    app->add_option("--profile", options_.profiles,
                    "What an earlier run left (`hamisha profile export`); may be given repeatedly");
    return app;
  }

  void AddProfile() {
    CLI::App* profile = app_.add_subcommand(
        "profile", "What runs left about how long their steps took, for forecasts");
    profile->require_subcommand(1);
    const auto add = [&](const std::string& name, const std::string& summary, Command command) {
      CLI::App* app = profile->add_subcommand(name, summary);
      app->callback([this, command] { command_ = command; });
      return AddOrchestrator(app);
    };
    AddFormat(add("show", "Shows a run's profile", ShowProfile))
        ->add_option("RUN", options_.run, "The run; the newest when not given");
    add("export", "Writes a run's profile to stdout, as JSON", ExportProfile)
        ->add_option("RUN", options_.run, "The run; the newest when not given");
    add("import", "Gives the orchestrator a profile of another one's run, or of a rehearsal's",
        ImportProfile)
        ->add_option("FILE", options_.profiles, "The profile, JSON")
        ->required()
        ->expected(1);
  }

  void AddPreflight() {
    CLI::App* preflight =
        Add("preflight",
            "Lists all that would block a freeze, and how long it would be; changes "
            "nothing",
            PreflightCommand);
    AddProfiles(AddFormat(AddOrchestrator(AddFiles(preflight))));
    AddPerson(*preflight, options_);
    preflight->footer("Exit code 0: nothing blocks. 3: a run would be refused.");
  }

  void AddRun() {
    CLI::App* run = Add("run", "Runs a playbook; without --execute, says what it would do",
                        [](const Options& options) {
                          if (!options.execute) return DryRunCommand(options);
                          if (!options.orchestrator.empty()) return ExecuteRun(options);
                          std::cerr << "error: say --orchestrator HOST:PORT, or set "
                                       "HAMISHA_ORCHESTRATOR\n";
                          return kExitInvalid;
                        });
    AddFormat(AddConfirm(AddOrchestrator(AddFiles(run), false)));
    AddPerson(*run, options_);
    run->add_flag("--execute", options_.execute, "Really run it, and watch it until it ends");
    run->add_option("--kind", options_.kind, "live or rehearsal")
        ->check(CLI::IsMember({"live", "rehearsal"}))
        ->capture_default_str();
    run->add_option("--go-back-after", options_.go_back_after,
                    "Of a rehearsal: as soon as this step has succeeded, go back");
    run->footer(
        "A live run asks for the plan's name. The exit code says how the run ended:\n"
        "0 succeeded, 6 rolled back, 5 stopped at a difference, 3 servers differ, 1 stopped,\n"
        "7 unknown.");
  }

  void AddRunCommands() {
    const auto add = [this](const std::string& name, const std::string& summary, Command command) {
      CLI::App* app = AddFormat(AddOrchestrator(Add(name, summary, command)));
      return app->add_option("RUN", options_.run, "The run; the newest when not given");
    };
    add("status", "Shows a run as it is now", ShowStatus);
    add("watch", "Shows a run until it ends; the exit code says how", WatchCommand);
    AddReport();
    app_.get_subcommand("status")->footer("Exit code 8: people are asked. 0: nobody is.");
    app_.get_subcommand("report")->add_option(
        "--approvals", options_.approvals,
        "Write statements, signatures and keys into this folder; prints the commands that check");
  }

  void AddActCommands() {
    for (const ActCommandLine& line : ActCommandLines()) {
      CLI::App* app = AddFormat(AddOrchestrator(app_.add_subcommand(line.name, line.summary)));
      app->callback([this, act = line.act] {
        options_.act = act;
        command_ = ActCommand;
      });
      AddActOptions(line, *app, options_);
    }
  }

  void AddReport() {
    CLI::App* report = AddFormat(AddOrchestrator(
        Add("report", "Tells a run's whole story: times, hosts, facts, way back, outcome",
            ShowReport)));
    report->add_option("RUN", options_.runs, "The run; the newest when not given");
    report->add_flag("--coverage", options_.coverage,
                     "What was tried instead: steps, branches on failure, ways back; of all "
                     "rehearsals of the newest run's playbook, or of these runs");
  }

  CLI::App app_{"Moves a live ledger from one site to another within a maintenance window."};
  Options options_;
  Command command_ = nullptr;
};

}  // namespace
}  // namespace orchestrator

int main(int argc, char** argv) {
  for (const orchestrator::Sibling& sibling : orchestrator::kSiblings) {
    if (argc > 1 && std::strcmp(argv[1], sibling.command) == 0) {
      return orchestrator::Exec(sibling, argc, argv);
    }
  }
  return orchestrator::CommandLine().Run(argc, argv);
}
