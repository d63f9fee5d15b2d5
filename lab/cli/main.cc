// hamisha-lab: `hamisha lab …` and `hamisha rehearse …`, which hand over to it.
#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "lab/cli/commands.h"

namespace lab {
namespace {

namespace api = hamisha::lab::v1;

// What is to be done, set by the subcommand that was given.
using Action = std::function<int(base::Interrupt&)>;

struct AskArguments {
  std::string directory;
  std::string format = "text";
  std::string name;
  std::string site;
  uint32_t shard = 0;
};

void AddFormat(CLI::App& command, std::string& format) {
  command.add_option("--format", format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
}

CLI::App* AddAsk(CLI::App& lab, const char* name, const char* what, AskArguments& arguments) {
  CLI::App* const command = lab.add_subcommand(name, what);
  command->add_option("--dir", arguments.directory, "the lab's directory")->required();
  AddFormat(*command, arguments.format);
  return command;
}

Action Ask(const AskArguments& arguments, LabCall call) {
  return [&arguments, call = std::move(call)](base::Interrupt& /*interrupt*/) {
    return AskLab(arguments.directory, arguments.format == "json", call);
  };
}

void AddLink(CLI::App& lab, AskArguments& arguments, Action& action) {
  AddAsk(lab, "status", "what runs, and where it listens", arguments)->callback([&] {
    action = Ask(arguments, [](auto& stub, auto* context, auto* view) {
      return stub.GetLab(context, {}, view);
    });
  });
  AddAsk(lab, "cut", "cut the link between the sites", arguments)->callback([&] {
    action = Ask(arguments, [](auto& stub, auto* context, auto* view) {
      return stub.CutLink(context, {}, view);
    });
  });
  AddAsk(lab, "heal", "heal the link", arguments)->callback([&] {
    action = Ask(arguments, [](auto& stub, auto* context, auto* view) {
      return stub.HealLink(context, {}, view);
    });
  });
  AddAsk(lab, "down", "end the lab", arguments)->callback([&] {
    action = Ask(arguments, [](auto& stub, auto* context, auto* view) {
      return stub.EndLab(context, {}, view);
    });
  });
}

void AddProcesses(CLI::App& lab, AskArguments& arguments, Action& action) {
  CLI::App* const kill = AddAsk(lab, "kill", "kill -9 a process", arguments);
  kill->add_option("NAME", arguments.name, "as `status` shows it")->required();
  kill->callback([&] {
    action = Ask(arguments, [&](auto& stub, auto* context, auto* view) {
      api::ProcessRequest request;
      request.set_name(arguments.name);
      return stub.Kill(context, request, view);
    });
  });
  CLI::App* const start = AddAsk(lab, "start", "start a process that is down", arguments);
  start->add_option("NAME", arguments.name, "as `status` shows it")->required();
  start->callback([&] {
    action = Ask(arguments, [&](auto& stub, auto* context, auto* view) {
      api::ProcessRequest request;
      request.set_name(arguments.name);
      return stub.Start(context, request, view);
    });
  });
  CLI::App* const flip = AddAsk(lab, "flip", "flip a bit of a node's state", arguments);
  flip->add_option("--site", arguments.site, "source or target")->required();
  flip->add_option("--shard", arguments.shard, "the shard's number")->required();
  flip->callback([&] {
    action = Ask(arguments, [&](auto& stub, auto* context, auto* view) {
      api::FlipRequest request;
      request.set_site(arguments.site);
      request.set_shard(arguments.shard);
      return stub.FlipStateBit(context, request, view);
    });
  });
}

void AddUp(CLI::App& lab, LabUpArguments& arguments, Action& action) {
  CLI::App* const up = lab.add_subcommand("up", "bring a platform up and keep it up");
  up->add_option("LABFILE", arguments.lab_path, "what to bring up")->required();
  up->add_option("--dir", arguments.directory, "where everything is kept (a new temporary one)");
  up->callback([&] {
    action = [&arguments](base::Interrupt& interrupt) { return LabUp(arguments, interrupt); };
  });
}

void AddRehearse(CLI::App& app, RehearseArguments& arguments, std::string& format, Action& action) {
  CLI::App* const rehearse =
      app.add_subcommand("rehearse", "run a playbook on a lab under load, and prove the result");
  rehearse->add_option("PLAYBOOK", arguments.playbook_path, "what to rehearse")->required();
  rehearse->add_option("--lab", arguments.lab_path, "the lab file")->required();
  rehearse->add_option("--dir", arguments.directory,
                       "where everything is kept (a new temporary one)");
  rehearse->add_option("--profile", arguments.profiles,
                       "what an earlier rehearsal left, for the forecast; may be given repeatedly");
  rehearse->add_flag("--way-back", arguments.way_back,
                     "go back, as often as it takes to try every undo, and show what was tried");
  rehearse->add_flag("--keep", arguments.keep, "keep the nodes' data too");
  AddFormat(*rehearse, format);
  rehearse->callback([&] {
    action = [&](base::Interrupt& interrupt) {
      arguments.json = format == "json";
      return Rehearse(arguments, interrupt);
    };
  });
}

// `hamisha lab up` arrives as `up`, `hamisha rehearse` as `rehearse`; written in full is fine too.
int Main(int argc, char** argv) {
  CLI::App app("A whole platform on one machine, and rehearsals on it", "hamisha lab");
  app.require_subcommand(1);
  Action action;
  AskArguments ask;
  LabUpArguments up;
  RehearseArguments rehearse;
  std::string format = "text";
  AddUp(app, up, action);
  AddLink(app, ask, action);
  AddProcesses(app, ask, action);
  AddRehearse(app, rehearse, format, action);
  try {
    const bool in_full = argc > 1 && absl::string_view(argv[1]) == "lab";
    app.parse(argc - (in_full ? 1 : 0), argv + (in_full ? 1 : 0));
  } catch (const CLI::ParseError& error) {  // CLI11 also says so when only help was asked for.
    return app.exit(error) == 0 ? kExitOk : kExitInvalid;
  }
  base::Interrupt interrupt;
  return action(interrupt);
}

}  // namespace
}  // namespace lab

int main(int argc, char** argv) { return lab::Main(argc, argv); }
