// Runs `hamisha-lab rehearse` on a small platform: real processes, sockets and disks.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "hamisha/agent/v1/agent.pb.h"
#include "tests/temporary_folder.h"

struct Scenario {
  // YAML list items of the lab file, such as "- {after_step: seal, cut_link: {for: 5s}}\n".
  std::string faults = "";
  std::string round_trip = "40ms";
  std::string machines = "{}";  // Of the lab file: where the sites differ.
  bool rollback_unknown = false;
  bool abort_held = false;
  bool short_timeouts = false;  // Of the playbook's orders: 1 s.
  std::string playbook = "";    // YAML; none: the weekend's.
  std::string profile = "";     // Path of what an earlier rehearsal left.
  int accounts_per_shard = 2'000;
  int rate_per_s = 300;
  std::string bandwidth = "200MB/s";
  bool way_back = false;  // Rehearse that.
};

struct Rehearsed {
  int exit_code = -1;
  nlohmann::json summary;  // An object, empty when there is none.
  std::string output;      // All that the program said.
  std::unique_ptr<TemporaryFolder> folder;

  std::string outcome() const { return summary.value("outcome", "none"); }
  // The site that writes every shard; "" when nobody does or they differ.
  std::string writing_site() const;
  // How often each order was begun, over all agents: by run/step/host/attempt.
  std::map<std::string, int> OrdersBegun() const;
  std::string directory() const { return folder->path() + "/lab"; }
};

// Until it ends; fails the test when there is no summary.
Rehearsed Rehearse(const Scenario& scenario);

// What must hold whatever happened: nothing lost, nothing twice, never two writers, no order begun
// twice, no process fell over, and the journal is there.
void CheckPromises(const Rehearsed& rehearsed);
