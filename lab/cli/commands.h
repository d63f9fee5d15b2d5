// The commands of `hamisha lab` and `hamisha rehearse`. Each returns the program's exit code.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/interrupt.h"
#include "hamisha/lab/v1/lab.grpc.pb.h"

namespace lab {

constexpr int kExitOk = 0;
constexpr int kExitError = 1;
constexpr int kExitInvalid = 2;
constexpr int kExitInterrupted = 130;

struct LabUpArguments {
  std::string lab_path;
  std::string directory;  // "": a new temporary one.
};
int LabUp(const LabUpArguments& arguments, base::Interrupt& interrupt);

struct RehearseArguments {
  std::string playbook_path;
  std::string lab_path;
  std::string directory;              // "": a new temporary one.
  std::vector<std::string> profiles;  // Files.
  bool keep = false;                  // Also the nodes' data.
  bool json = false;
  bool way_back = false;  // Goes back, as often as it takes to try every undo.
};
int Rehearse(const RehearseArguments& arguments, base::Interrupt& interrupt);

// Asks the lab that is up in `directory`, and prints what it then is.
using LabCall =
    std::function<grpc::Status(hamisha::lab::v1::Lab::StubInterface& lab,
                               grpc::ClientContext* context, hamisha::lab::v1::LabView* view)>;
int AskLab(const std::string& directory, bool json, const LabCall& call);

// The folder of this program: where the others are.
std::string ProgramsFolder();
// An absolute path: `directory`, or a new temporary one when it is "".
absl::StatusOr<std::string> LabDirectory(const std::string& directory);
// The error on stderr; `code`.
int Fail(const absl::Status& status, int code);

}  // namespace lab
