// What the operator's terminal is and can do.
#pragma once

#include <string>
#include <vector>

#include "orchestrator/cli/options.h"
#include "orchestrator/cli/render.h"

namespace orchestrator {

bool StdoutIsTerminal();
bool StdinIsTerminal();

// Options for stdout as it is now: local zone, its size, colours if wanted and possible.
RenderOptions TerminalOptions(const Options& options);

// "error: …" on stderr.
void PrintError(const std::string& message);

// Draws lines over those that it drew before. Only for terminals.
class LiveArea {
 public:
  void Draw(const std::vector<std::string>& lines);

 private:
  size_t drawn_ = 0;
};

// Makes SIGINT and SIGTERM end the program with exit code 130 after it has said `note` on stderr.
// To be called first before any thread is started; later calls only change the note, which must
// live for ever.
void OnInterruptSay(const char* note);

// Whether the operator confirms by the plan's name: by --confirm, else by typing it. Prints why
// not.
bool Confirm(const Options& options, const std::string& what, const std::string& plan_name);

// Whether the operator says yes: by --yes, else by typing it. Prints why not.
bool ConfirmYes(const Options& options, const std::string& what);

// Who acts: --as, else $HAMISHA_PERSON, else the login name.
std::string PersonName(const Options& options);

}  // namespace orchestrator
