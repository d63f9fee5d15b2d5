#include "orchestrator/cli/terminal.h"

#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <iostream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "base/clock.h"

namespace orchestrator {
namespace {

std::atomic<const char*> interrupt_note = nullptr;

void AwaitInterrupt(sigset_t signals) {
  int signal = 0;
  sigwait(&signals, &signal);
  const char* note = interrupt_note.load();
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, note, std::strlen(note));
  _exit(kExitInterrupted);
}

}  // namespace

bool StdoutIsTerminal() { return isatty(STDOUT_FILENO) != 0; }
bool StdinIsTerminal() { return isatty(STDIN_FILENO) != 0; }

RenderOptions TerminalOptions(const Options& options) {
  RenderOptions render;
  render.zone = absl::LocalTimeZone();
  render.now = base::SystemClock().WallNow();
  if (!StdoutIsTerminal()) return render;
  render.colour = options.no_colour.empty();
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
    render.columns = size.ws_col;
    render.lines = size.ws_row;
  }
  return render;
}

void PrintError(const std::string& message) { std::cerr << "error: " << message << "\n"; }

void LiveArea::Draw(const std::vector<std::string>& lines) {
  std::string text = drawn_ > 0 ? absl::StrCat("\x1b[", drawn_, "A\x1b[J") : "";
  for (const std::string& line : lines) absl::StrAppend(&text, line, "\n");
  std::cout << text << std::flush;
  drawn_ = lines.size();
}

void OnInterruptSay(const char* note) {
  if (interrupt_note.exchange(note) != nullptr) return;
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread(AwaitInterrupt, signals).detach();
}

bool Confirm(const Options& options, const std::string& what, const std::string& plan_name) {
  std::string answer = options.confirm;
  if (answer.empty()) {
    if (!StdinIsTerminal()) {
      PrintError(absl::StrCat(what, " needs a confirmation: add --confirm ", plan_name));
      return false;
    }
    std::cerr << what << ".\nType the plan's name, " << plan_name << ", to go on: " << std::flush;
    std::getline(std::cin, answer);
  }
  if (answer == plan_name) return true;
  PrintError(absl::StrCat("the plan's name is '", plan_name, "': nothing was ordered"));
  return false;
}

bool ConfirmYes(const Options& options, const std::string& what) {
  if (options.yes) return true;
  if (!StdinIsTerminal()) {
    PrintError(absl::StrCat(what, " needs a confirmation: add --yes"));
    return false;
  }
  std::cerr << what << "? Type yes to go on: " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  if (answer == "yes" || answer == "y") return true;
  PrintError("nothing was decided");
  return false;
}

std::string PersonName(const Options& options) {
  if (!options.person.empty()) return options.person;
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  getpwuid_r(getuid(), &entry, buffer.data(), buffer.size(), &found);
  return found == nullptr ? absl::StrCat("uid-", getuid()) : found->pw_name;
}

}  // namespace orchestrator
