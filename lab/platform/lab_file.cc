#include "lab/platform/lab_file.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "lab/platform/yaml_reader.h"

namespace lab {
namespace {

void ReadLink(YamlReader& reader, const YAML::Node& node, LinkOptions& link) {
  if (!node || !reader.IsMap(node, "link", {"round_trip", "bandwidth"})) return;
  link.round_trip = reader.Length(node, "round_trip").value_or(link.round_trip);
  link.bandwidth_bytes_per_s =
      reader.BytesPerSecond(node, "bandwidth").value_or(link.bandwidth_bytes_per_s);
}

void ReadLoad(YamlReader& reader, const YAML::Node& node, LoadOptions& load) {
  if (!node || !reader.IsMap(node, "load", {"rate", "warm_up", "cool_down", "drain", "seed"}))
    return;
  load.rate_per_s = reader.Positive(node, "rate").value_or(load.rate_per_s);
  load.warm_up = reader.Length(node, "warm_up").value_or(load.warm_up);
  load.cool_down = reader.Length(node, "cool_down").value_or(load.cool_down);
  load.drain = reader.Length(node, "drain").value_or(load.drain);
  load.seed = reader.Whole(node, "seed", 0, UINT64_MAX).value_or(load.seed);
}

void ReadMachines(YamlReader& reader, const YAML::Node& node, LabFile& lab) {
  if (!node || !reader.IsMap(node, "machines", {"source", "target"})) return;
  for (const char* const site : {"source", "target"}) {
    const YAML::Node machine = node[site];
    if (!machine || !reader.IsMap(machine, "a site's machine", {"open_files", "clock_ahead"})) {
      continue;
    }
    const auto open_files = reader.Whole(machine, "open_files", 64, 1 << 20);
    if (open_files.has_value()) lab.open_files_max[site] = *open_files;
    const auto clock_ahead = reader.Length(machine, "clock_ahead");
    if (clock_ahead.has_value()) lab.clock_ahead[site] = *clock_ahead;
  }
}

// With what of them stands in the inventory as it is.
bool IsPlainWord(const std::string& word) {
  return !word.empty() && word.find_first_not_of(
                              "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX"
                              "YZ0123456789_-.") == std::string::npos;
}

void ReadPeople(YamlReader& reader, const YAML::Node& node, LabFile& lab) {
  if (!node) return;
  if (!node.IsSequence()) {
    return reader.Problem(node, "'people' is not a list: write '- {name: asha, roles: [ops]}'");
  }
  lab.people.clear();
  for (const YAML::Node& item : node) {
    if (!reader.IsMap(item, "a person", {"name", "roles"})) continue;
    LabPerson person{.name = reader.Text(item, "name").value_or(""), .roles = {}};
    if (item["roles"] && item["roles"].IsSequence()) {
      for (const YAML::Node& role : item["roles"]) person.roles.push_back(role.Scalar());
    }
    const bool fine =
        IsPlainWord(person.name) && !person.roles.empty() &&
        std::all_of(person.roles.begin(), person.roles.end(), IsPlainWord) &&
        std::none_of(lab.people.begin(), lab.people.end(),
                     [&](const LabPerson& other) { return other.name == person.name; });
    if (!fine) {
      reader.Problem(item,
                     "a person needs a name of their own and roles: write "
                     "'{name: asha, roles: [ops]}'");
    }
    lab.people.push_back(std::move(person));
  }
}

FlipStateBit ReadFlip(YamlReader& reader, const YAML::Node& node, const LabFile& lab) {
  FlipStateBit flip;
  if (!reader.IsMap(node, "flip_state_bit", {"site", "shard"})) return flip;
  flip.site = reader.Text(node, "site").value_or("");
  if (flip.site != "source" && flip.site != "target") {
    reader.Problem(node, "flip_state_bit needs a site: write 'site: source' or 'site: target'");
  }
  flip.shard = static_cast<uint32_t>(reader.Whole(node, "shard", 0, lab.shards - 1).value_or(0));
  return flip;
}

CutLink ReadCut(YamlReader& reader, const YAML::Node& node) {
  if (!reader.IsMap(node, "cut_link", {"for"})) return {};
  if (!node["for"])
    reader.Problem(node, "cut_link needs a length: write 'for: 5s' or 'for: forever'");
  return {.length = reader.Length(node, "for", "forever").value_or(absl::ZeroDuration())};
}

SlowLink ReadSlow(YamlReader& reader, const YAML::Node& node, const LabFile& lab) {
  SlowLink slow = {.link = lab.link, .length = absl::ZeroDuration()};
  if (!reader.IsMap(node, "slow_link", {"round_trip", "bandwidth", "for"})) return slow;
  if (!node["for"])
    reader.Problem(node, "slow_link needs a length: write 'for: 5s' or 'for: forever'");
  slow.link.round_trip = reader.Length(node, "round_trip").value_or(slow.link.round_trip);
  slow.link.bandwidth_bytes_per_s =
      reader.BytesPerSecond(node, "bandwidth").value_or(slow.link.bandwidth_bytes_per_s);
  slow.length = reader.Length(node, "for", "forever").value_or(slow.length);
  return slow;
}

KillProcess ReadKill(YamlReader& reader, const YAML::Node& node, const LabFile& lab) {
  KillProcess kill = {.process = "", .restart_after = absl::InfiniteDuration()};
  if (!reader.IsMap(node, "kill", {"process", "restart_after"})) return kill;
  kill.process = reader.Text(node, "process").value_or("");
  kill.restart_after = reader.Length(node, "restart_after", "never").value_or(kill.restart_after);
  const std::vector<std::string> names = ProcessNames(lab);
  if (std::find(names.begin(), names.end(), kill.process) == names.end()) {
    reader.Problem(node["process"] ? node["process"] : node,
                   absl::StrCat("no process '", kill.process, "' in this lab: write one of ",
                                absl::StrJoin(names, ", ")));
  }
  return kill;
}

void ReadFault(YamlReader& reader, const YAML::Node& node, LabFile& lab) {
  if (!reader.IsMap(
          node, "a fault",
          {"after_step", "at_step", "wait", "flip_state_bit", "cut_link", "slow_link", "kill"})) {
    return;
  }
  Fault fault;
  fault.at_start = static_cast<bool>(node["at_step"]);
  fault.step = reader.Text(node, fault.at_start ? "at_step" : "after_step").value_or("");
  fault.wait = reader.Length(node, "wait").value_or(fault.wait);
  if (fault.step.empty() || (fault.at_start && node["after_step"])) {
    reader.Problem(node,
                   "a fault needs one moment: write 'after_step: ID' (when it has succeeded) or "
                   "'at_step: ID' (when it has begun)");
  }
  int kinds = 0;
  for (const char* const kind : {"flip_state_bit", "cut_link", "slow_link", "kill"}) {
    kinds += node[kind] ? 1 : 0;
  }
  if (kinds != 1) {
    reader.Problem(node,
                   "a fault does one thing: write flip_state_bit, cut_link, slow_link or kill");
    return;
  }
  if (node["flip_state_bit"]) fault.what = ReadFlip(reader, node["flip_state_bit"], lab);
  if (node["cut_link"]) fault.what = ReadCut(reader, node["cut_link"]);
  if (node["slow_link"]) fault.what = ReadSlow(reader, node["slow_link"], lab);
  if (node["kill"]) fault.what = ReadKill(reader, node["kill"], lab);
  lab.faults.push_back(std::move(fault));
}

void ReadHeader(YamlReader& reader, const YAML::Node& root) {
  if (reader.Text(root, "apiVersion") != "hamisha/v1") {
    reader.Problem(root["apiVersion"] ? root["apiVersion"] : root,
                   "this is not a version that is known: write 'apiVersion: hamisha/v1'");
  }
  if (reader.Text(root, "kind") != "Lab") {
    reader.Problem(root["kind"] ? root["kind"] : root, "this is no lab file: write 'kind: Lab'");
  }
}

LabFile ReadLab(YamlReader& reader, const YAML::Node& root) {
  LabFile lab;
  if (!reader.IsMap(root, "the lab file",
                    {"apiVersion", "kind", "shards", "accounts_per_shard", "gateways", "link",
                     "load", "machines", "people", "faults", "on_unknown", "on_held"})) {
    return lab;
  }
  ReadHeader(reader, root);
  const auto count = [&](const char* key, uint64_t high, uint32_t otherwise) {
    return static_cast<uint32_t>(reader.Whole(root, key, 1, high).value_or(otherwise));
  };
  lab.shards = count("shards", 64, lab.shards);
  lab.accounts_per_shard = count("accounts_per_shard", 100'000'000, lab.accounts_per_shard);
  lab.gateways = count("gateways", 16, lab.gateways);
  ReadLink(reader, root["link"], lab.link);
  ReadLoad(reader, root["load"], lab.load);
  ReadMachines(reader, root["machines"], lab);
  ReadPeople(reader, root["people"], lab);
  const std::string on_held = reader.Text(root, "on_held").value_or("rollback");
  lab.abort_held = on_held == "abort";
  if (!lab.abort_held && on_held != "rollback") {
    reader.Problem(root["on_held"], "write 'on_held: rollback' or 'on_held: abort'");
  }
  const std::string on_unknown = reader.Text(root, "on_unknown").value_or("leave");
  lab.rollback_unknown = on_unknown == "rollback";
  if (!lab.rollback_unknown && on_unknown != "leave") {
    reader.Problem(root["on_unknown"], "write 'on_unknown: rollback' or 'on_unknown: leave'");
  }
  const YAML::Node faults = root["faults"];
  if (faults && !faults.IsSequence())
    reader.Problem(faults, "'faults' is not a list: write '- ' before each");
  if (faults && faults.IsSequence()) {
    for (const YAML::Node& fault : faults) ReadFault(reader, fault, lab);
  }
  return lab;
}

struct Describe {
  std::string operator()(const FlipStateBit& flip) const {
    return absl::StrCat("flip a bit of the state of ", NodeName(flip.site, flip.shard));
  }
  std::string operator()(const CutLink& cut) const {
    return cut.length == absl::InfiniteDuration()
               ? "cut the link for ever"
               : absl::StrCat("cut the link for ", absl::FormatDuration(cut.length));
  }
  std::string operator()(const SlowLink& slow) const {
    return absl::StrCat(
        "slow the link to ", absl::FormatDuration(slow.link.round_trip), " and ",
        slow.link.bandwidth_bytes_per_s, " B/s for ",
        slow.length == absl::InfiniteDuration() ? "ever" : absl::FormatDuration(slow.length));
  }
  std::string operator()(const KillProcess& kill) const {
    return kill.restart_after == absl::InfiniteDuration()
               ? absl::StrCat("kill -9 ", kill.process)
               : absl::StrCat("kill -9 ", kill.process, ", start it again after ",
                              absl::FormatDuration(kill.restart_after));
  }
};

}  // namespace

std::string ToString(const Fault& fault) { return std::visit(Describe(), fault.what); }

absl::StatusOr<LabFile> ParseLabFile(const std::string& path, const std::string& yaml) {
  YamlReader reader(path);
  LabFile lab;
  try {
    lab = ReadLab(reader, YAML::Load(yaml));
  } catch (const YAML::Exception& problem) {  // yaml-cpp has no other way to say it.
    return absl::InvalidArgumentError(absl::StrCat(path, ":", problem.mark.line + 1, ":",
                                                   problem.mark.column + 1, ": ", problem.msg,
                                                   ": write it as YAML"));
  }
  if (reader.problems().empty()) return lab;
  return absl::InvalidArgumentError(absl::StrJoin(reader.problems(), "\n"));
}

std::string LedgerProcess(const std::string& site, uint32_t shard) {
  return absl::StrCat("ledger-", shard, "-", site);
}
std::string AgentProcess(const std::string& host) { return absl::StrCat("agent-", host); }
std::string GatewayName(uint32_t gateway) { return absl::StrCat("gateway-", gateway); }
std::string NodeName(const std::string& site, uint32_t shard) {
  return absl::StrCat(site, "-", shard);
}

std::vector<std::string> ProcessNames(const LabFile& lab) {
  std::vector<std::string> ledgers;
  std::vector<std::string> agents;
  for (const char* const site : {"source", "target"}) {
    for (uint32_t shard = 0; shard < lab.shards; ++shard) {
      ledgers.push_back(LedgerProcess(site, shard));
      agents.push_back(AgentProcess(NodeName(site, shard)));
    }
  }
  std::vector<std::string> names = ledgers;
  for (uint32_t gateway = 0; gateway < lab.gateways; ++gateway) {
    names.push_back(GatewayName(gateway));
    agents.push_back(AgentProcess(GatewayName(gateway)));
  }
  names.emplace_back("orchestrator");
  names.insert(names.end(), agents.begin(), agents.end());
  return names;
}

}  // namespace lab
