// What makes two servers differ, and which differences matter. Pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "hamisha/agent/v1/agent.pb.h"

namespace agents {

// One fact that is not the same, or not enough, on the server that a shard moves to.
struct Difference {
  std::string fact;    // "open_files_max"
  std::string source;  // Its value there, for people; "not known" without one.
  std::string target;
  bool blocks = false;  // Else it is only told.
  std::string rule;     // What would do: "at least 1,024".
};

// In the table's order; nothing that is equal. A fact that blocks must be known on both sides.
std::vector<Difference> CompareHosts(const hamisha::agent::v1::HostFacts& source,
                                     const hamisha::agent::v1::HostFacts& target);

// Every fact of the table by name, for people; those that are not known are left out.
std::vector<std::pair<std::string, std::string>> FactsOf(const hamisha::agent::v1::HostFacts& host);

// "20000 on source-0, 256 on target-0 (at least 1,024)"
std::string Describe(const Difference& difference, const std::string& source_host,
                     const std::string& target_host);

}  // namespace agents
