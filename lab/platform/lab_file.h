#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "lab/relay/pacer.h"

namespace lab {

// One bit of one account's balance in memory, behind the log's back.
struct FlipStateBit {
  std::string site;
  uint32_t shard = 0;
};

struct CutLink {
  absl::Duration length;  // InfiniteDuration(): as long as the run goes on.
};

// The link as it is from then on.
struct SlowLink {
  LinkOptions link;
  absl::Duration length;  // As of CutLink.
};

struct KillProcess {
  std::string process;
  absl::Duration restart_after;  // InfiniteDuration(): it stays down.
};

struct Fault {
  std::string step;       // Of the playbook.
  bool at_start = false;  // When the step has begun; else when it has succeeded.
  absl::Duration wait = absl::ZeroDuration();  // So long after that.
  std::variant<FlipStateBit, CutLink, SlowLink, KillProcess> what;
};

// "cut the link for 5s", for people.
std::string ToString(const Fault& fault);

struct LoadOptions {
  double rate_per_s = 0;
  absl::Duration warm_up;
  absl::Duration cool_down;
  absl::Duration drain;  // How long what got no answer is tried again at the end.
  uint64_t seed = 0;
};

// Somebody who decides. The lab has everybody's key.
struct LabPerson {
  std::string name;
  std::vector<std::string> roles;
};

// A platform on one machine: how big, how far apart, under which load, and what goes wrong.
struct LabFile {
  uint32_t shards = 2;
  uint32_t accounts_per_shard = 1'000;
  uint32_t gateways = 2;
  LinkOptions link;
  LoadOptions load = {.rate_per_s = 100,
                      .warm_up = absl::Seconds(2),
                      .cool_down = absl::Seconds(2),
                      .drain = absl::Seconds(30),
                      .seed = 1};
  std::vector<Fault> faults;
  // By site, of its ledgers' processes; as this program's where nothing is said.
  std::map<std::string, uint64_t> open_files_max;
  std::map<std::string, absl::Duration> clock_ahead;  // As its agents tell the time.
  // Whichever of them wrote a playbook, the other two hold both roles.
  std::vector<LabPerson> people = {{.name = "asha", .roles = {"ops"}},
                                   {.name = "ben", .roles = {"business"}},
                                   {.name = "chen", .roles = {"ops", "business"}}};
  bool rollback_unknown = false;  // Ask once more to go back when a run ends unknown.
  bool abort_held = false;        // End a run that is held where it is, rather than go back.
};

// Reads a lab file. INVALID_ARGUMENT has all its problems, a line each:
// "lab.yaml:4:3: unknown key 'shard': did you mean 'shards'?". `path` is for messages only. Pure.
absl::StatusOr<LabFile> ParseLabFile(const std::string& path, const std::string& yaml);

// The names of a lab's processes, as `hamisha lab kill` and the `kill` fault take them.
std::string LedgerProcess(const std::string& site, uint32_t shard);  // "ledger-0-source"
std::string AgentProcess(const std::string& host);                   // "agent-source-0"
std::string GatewayName(uint32_t gateway);                           // "gateway-0"
std::string NodeName(const std::string& site, uint32_t shard);       // "source-0"
std::vector<std::string> ProcessNames(const LabFile& lab);

}  // namespace lab
