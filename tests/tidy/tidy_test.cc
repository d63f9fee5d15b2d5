// The rules of ARCHITECTURE.md and CONTRIBUTING.md that no linter of ours checks.
#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/folders.h"

namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kFolders = {
    "base", "rpc", "ledger", "agents", "orchestrator", "lab", "simulation", "benchmarks", "tests"};

std::string Read(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::vector<fs::path> SourceFiles() {
  std::vector<fs::path> files;
  for (const std::string& folder : kFolders) {
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(SourceFolder()) / folder)) {
      const std::string extension = entry.path().extension();
      if (extension == ".cc" || extension == ".h") files.push_back(entry.path());
    }
  }
  return files;
}

// "ledger/core/record.h" → "ledger/core"; "rpc/rpc.h" → "rpc".
std::string FolderOf(const fs::path& relative) { return relative.parent_path(); }

bool IsWithin(const std::string& folder, const std::string& above) {
  return folder == above || folder.rfind(above + "/", 0) == 0;
}

TEST_CASE("every source file is built by the CMakeLists.txt above it", "[tidy]") {
  for (const fs::path& file : SourceFiles()) {
    if (file.extension() != ".cc") continue;
    fs::path folder = file.parent_path();
    while (!fs::exists(folder / "CMakeLists.txt")) folder = folder.parent_path();
    CAPTURE(file);
    CHECK(Read(folder / "CMakeLists.txt").find(fs::relative(file, folder)) != std::string::npos);
  }
}

// The architecture, as a test: a folder may include itself, what is below it and what is listed.
// The longest prefix of a file's folder counts.
const std::map<std::string, std::vector<std::string>> kMayInclude = {
    {"base", {}},
    {"rpc", {"base", "hamisha"}},
    {"ledger/core", {"base", "hamisha"}},
    {"ledger/storage", {"base", "hamisha", "ledger/core"}},
    {"ledger/history", {"base", "ledger/core"}},
    {"ledger/copy", {"base", "hamisha", "rpc", "ledger/core", "ledger/storage", "ledger/history"}},
    {"ledger/node",
     {"base", "hamisha", "rpc", "ledger/core", "ledger/storage", "ledger/history", "ledger/copy"}},
    {"ledger/client", {"base", "hamisha", "rpc", "ledger/core"}},
    {"ledger/gateway", {"base", "hamisha", "rpc", "ledger/core", "ledger/client"}},
    {"agents/runtime", {"base", "hamisha", "rpc"}},
    {"agents/drivers", {"base", "hamisha", "rpc", "agents/runtime", "agents/drivers"}},
    {"agents/drivers/ledger",
     {"base", "hamisha", "rpc", "agents/runtime", "agents/drivers", "ledger/client"}},
    {"agents", {"base", "hamisha", "rpc", "agents"}},
    {"orchestrator/playbook", {"base", "hamisha"}},
    {"orchestrator/reference", {"base", "hamisha", "orchestrator/playbook"}},
    {"orchestrator/plan", {"base", "hamisha", "orchestrator/playbook"}},
    {"orchestrator/engine", {"base", "hamisha", "orchestrator/plan"}},
    {"orchestrator/forecast",
     {"base", "hamisha", "orchestrator/plan", "orchestrator/engine", "orchestrator/coverage"}},
    {"orchestrator/coverage", {"base", "hamisha", "orchestrator/plan", "orchestrator/engine"}},
    {"orchestrator/readiness", {"base", "hamisha", "orchestrator/plan", "orchestrator/engine"}},
    {"orchestrator/journal", {"base", "hamisha", "orchestrator/plan", "orchestrator/engine"}},
    {"orchestrator/fleet", {"base", "hamisha", "rpc"}},
    {"orchestrator/approval", {"base", "hamisha", "orchestrator/plan"}},
    {"orchestrator/control",
     {"base", "hamisha", "rpc", "orchestrator/plan", "orchestrator/engine", "orchestrator/forecast",
      "orchestrator/coverage", "orchestrator/journal", "orchestrator/fleet",
      "orchestrator/approval"}},
    {"orchestrator/api",
     {"base", "hamisha", "rpc", "orchestrator/plan", "orchestrator/forecast", "orchestrator/fleet",
      "orchestrator/control"}},
    {"orchestrator/cli",
     {"base", "hamisha", "rpc", "orchestrator/reference", "orchestrator/plan",
      "orchestrator/engine", "orchestrator/forecast", "orchestrator/approval",
      "orchestrator/coverage", "orchestrator/readiness"}},
    {"lab", {"base", "hamisha", "rpc", "ledger", "agents", "orchestrator", "lab"}},
    // The pure parts of every side; what is not pure of them stays out.
    {"simulation",
     {"base", "hamisha", "ledger/core", "ledger/client", "ledger/gateway", "agents/runtime",
      "orchestrator/playbook", "orchestrator/plan", "orchestrator/engine", "lab/load"}},
    {"simulation/cli",
     {"base", "hamisha", "orchestrator/plan", "orchestrator/forecast", "simulation"}},
    {"benchmarks",
     {"base", "hamisha", "rpc", "ledger", "agents", "orchestrator", "lab", "simulation",
      "benchmarks"}},
    {"tests",
     {"base", "hamisha", "rpc", "ledger", "agents", "orchestrator", "lab", "simulation", "tests"}},
};

const std::vector<std::string>& MayInclude(std::string folder) {
  while (!kMayInclude.contains(folder)) {
    INFO("no rule for " << folder << "; add one to kMayInclude");
    REQUIRE(folder.find('/') != std::string::npos);
    folder = fs::path(folder).parent_path();
  }
  return kMayInclude.at(folder);
}

TEST_CASE("folders include only what lies below them", "[tidy]") {
  const std::regex include(R"re(#include "([^"]+)")re");
  for (const fs::path& file : SourceFiles()) {
    const std::string folder = FolderOf(fs::relative(file, SourceFolder()));
    const std::string text = Read(file);
    const std::vector<std::string>& allowed = MayInclude(folder);
    for (std::sregex_iterator it(text.begin(), text.end(), include), end; it != end; ++it) {
      const std::string target = FolderOf((*it)[1].str());
      if (IsWithin(target, "absl") || IsWithin(target, "google") || target.empty()) continue;
      CAPTURE(file, target);
      const bool fine = IsWithin(target, folder) ||
                        std::any_of(allowed.begin(), allowed.end(), [&](const std::string& above) {
                          return IsWithin(target, above);
                        });
      CHECK(fine);
    }
  }
}

TEST_CASE("what is pure names no clock, thread, file or gRPC", "[tidy]") {
  const std::regex impure(
      R"(absl::Now|std::thread|std::mutex|absl::Mutex|system_clock|steady_clock|<fstream>|grpcpp|SystemClock\(|SystemFileSystem\()");
  for (const fs::path& file : SourceFiles()) {
    const std::string relative = fs::relative(file, SourceFolder());
    const bool pure =
        relative.rfind("ledger/core/", 0) == 0 ||
        relative.rfind("orchestrator/playbook/", 0) == 0 ||
        relative.rfind("orchestrator/reference/", 0) == 0 ||
        relative.rfind("orchestrator/plan/", 0) == 0 ||
        relative.rfind("orchestrator/engine/", 0) == 0 ||
        relative.rfind("orchestrator/forecast/", 0) == 0 ||
        relative.rfind("orchestrator/coverage/", 0) == 0 ||
        relative.rfind("orchestrator/readiness/", 0) == 0 ||
        relative.rfind("agents/drivers/readiness/ledger", 0) == 0 ||
        relative.rfind("agents/drivers/readiness/gateway", 0) == 0 ||
        relative.rfind("agents/runtime/executor", 0) == 0 ||
        relative.rfind("ledger/gateway/lane", 0) == 0 ||
        (relative.rfind("simulation/", 0) == 0 && relative.rfind("simulation/cli/", 0) != 0);
    if (!pure) continue;
    CAPTURE(relative);
    std::smatch match;
    const std::string text = Read(file);
    const bool found = std::regex_search(text, match, impure);
    CAPTURE(found ? match.str() : "");
    CHECK_FALSE(found);
  }
}

TEST_CASE("only the clock asks the machine for the time", "[tidy]") {
  const std::regex asks(R"(absl::Now\(|system_clock::now|steady_clock::now|clock_gettime)");
  for (const fs::path& file : SourceFiles()) {
    const std::string relative = fs::relative(file, SourceFolder());
    if (relative.rfind("base/clock", 0) == 0 || relative == "tests/tidy/tidy_test.cc") continue;
    CAPTURE(relative);
    CHECK_FALSE(std::regex_search(Read(file), asks));
  }
}

TEST_CASE("files stay short enough to be read at one sitting", "[tidy]") {
  for (const fs::path& file : SourceFiles()) {
    const std::string text = Read(file);
    CAPTURE(file);
    CHECK(std::count(text.begin(), text.end(), '\n') <= 400);
  }
}

}  // namespace
