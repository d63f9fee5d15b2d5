#include "lab/cli/commands.h"

#include <google/protobuf/util/json_util.h>
#include <stdlib.h>

#include <cerrno>
#include <filesystem>
#include <iostream>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "lab/platform/control_service.h"
#include "lab/platform/lab_file.h"
#include "lab/platform/layout.h"
#include "lab/platform/platform.h"
#include "rpc/rpc.h"

namespace lab {
namespace {

namespace api = hamisha::lab::v1;

constexpr absl::Duration kCallMax = absl::Seconds(30);

void PrintView(const api::LabView& view) {
  for (const api::ProcessView& process : view.processes()) {
    const std::string pid = process.pid() == 0 ? "down" : absl::StrCat(process.pid());
    absl::PrintF("%-20s %8s  %s%s\n", process.name(), pid, process.address(),
                 process.ended().empty() ? "" : absl::StrCat("  ", process.ended()));
  }
  absl::PrintF("link %s\n", view.link_cut() ? "cut" : "up");
}

void PrintHowTo(const Platform& platform) {
  PrintView(platform.View());
  absl::PrintF(
      "\nThe platform is up in %s. From another terminal:\n"
      "  hamisha run PLAYBOOK --inventory %s --orchestrator %s --execute\n"
      "  hamisha lab status --dir %s      (cut, heal, kill NAME, start NAME, flip, down)\n"
      "  grpcurl -plaintext %s list\n",
      platform.directory(), platform.inventory_path(), platform.orchestrator(),
      platform.directory(), platform.gateways().front());
  for (const LabPerson& person : platform.lab().people) {
    absl::PrintF("  hamisha approve RUN GATE --as %s --key %s      (%s)\n", person.name,
                 Layout::KeyPath(platform.directory(), person.name),
                 absl::StrJoin(person.roles, ", "));
  }
  absl::PrintF("Ctrl-C ends it.\n");
  std::cout.flush();
}

}  // namespace

std::string ProgramsFolder() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

absl::StatusOr<std::string> LabDirectory(const std::string& directory) {
  if (!directory.empty()) return std::string(std::filesystem::absolute(directory));
  std::string path = std::filesystem::temp_directory_path() / "hamisha-lab-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) {
    return absl::InternalError(
        absl::StrCat("cannot make ", path, ": ", std::generic_category().message(errno)));
  }
  return path;
}

int Fail(const absl::Status& status, int code) {
  std::cerr << "hamisha: " << status.message() << '\n';
  return code;
}

int LabUp(const LabUpArguments& arguments, base::Interrupt& interrupt) {
  const auto yaml = base::SystemFileSystem().Read(arguments.lab_path);
  if (!yaml.ok()) return Fail(yaml.status(), kExitInvalid);
  const auto lab = ParseLabFile(arguments.lab_path, *yaml);
  if (!lab.ok()) return Fail(lab.status(), kExitInvalid);
  const auto directory = LabDirectory(arguments.directory);
  if (!directory.ok()) return Fail(directory.status(), kExitError);
  const auto platform = Platform::BringUp(
      {.lab = *lab,
       .directory = *directory,
       .programs = ProgramsFolder(),
       .say = [](const std::string& line) { std::cerr << absl::StrCat(line, "\n"); }},
      base::SystemClock());
  if (!platform.ok()) return Fail(platform.status(), kExitError);
  ControlService control(**platform, [&interrupt] { interrupt.Raise(); });
  const auto server = rpc::Serve({.services = {&control}});
  if (!server.ok()) return Fail(server.status(), kExitError);
  if (const auto written = WriteLabJson(**platform, server->address); !written.ok()) {
    return Fail(written, kExitError);
  }
  PrintHowTo(**platform);
  interrupt.Await(absl::InfiniteDuration());
  std::cerr << "ending\n";
  server->server->Shutdown(absl::ToChronoTime(base::SystemClock().WallNow() + absl::Seconds(1)));
  return kExitOk;
}

int AskLab(const std::string& directory, bool json, const LabCall& call) {
  const auto address = ReadLabJson(directory);
  if (!address.ok()) return Fail(address.status(), kExitInvalid);
  const auto stub = api::Lab::NewStub(rpc::Connect(*address));
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(base::SystemClock().WallNow() + kCallMax));
  api::LabView view;
  const grpc::Status answered = call(*stub, &context, &view);
  if (answered.error_code() == grpc::StatusCode::UNAVAILABLE) {
    return Fail(absl::UnavailableError(absl::StrCat("the lab of ", directory, " is not up")),
                kExitError);
  }
  if (!answered.ok()) return Fail(rpc::FromGrpc(answered), kExitError);
  if (!json) {
    PrintView(view);
    return kExitOk;
  }
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string text;
  google::protobuf::util::MessageToJsonString(view, &text, options);
  std::cout << text;
  return kExitOk;
}

}  // namespace lab
