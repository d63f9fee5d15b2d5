#include "agents/drivers/host/drift.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"

namespace agents {
namespace {

using hamisha::agent::v1::HostFacts;
using hamisha::ledger::v1::Member;
using hamisha::ledger::v1::NodeConfig;

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kGiB = uint64_t{1} << 30;

constexpr uint64_t kOpenFilesNeeded = 1'024;  // RocksDB keeps 512, each log segment and stream one.
constexpr uint64_t kMapCountNeeded = 65'530;  // The kernel's default.
constexpr double kMemoryShareMin = 0.9;       // Firmware takes a little of machines sold as equal.
constexpr double kDiskSpeedShareMin = 0.5;
constexpr uint64_t kDiskSpeedAmple = 500 * kMiB;  // Twice what the ledger writes at its fastest.
constexpr double kCopySpace = 1.25;               // Snapshots and new history beside the copy.
constexpr uint64_t kCopySpaceExtra = kGiB;        // Log segments are allocated ahead.
constexpr absl::Duration kClockDifferenceMax = absl::Seconds(1);  // The trips are in it.
constexpr absl::Duration kClockErrorTold = absl::Milliseconds(100);
constexpr absl::Duration kClockErrorMax = absl::Seconds(1);

enum class Verdict { kSame, kTold, kBlocks };
using Judge = std::function<Verdict(const HostFacts& source, const HostFacts& target)>;
using Text = std::function<std::optional<std::string>(const HostFacts& host)>;

struct Row {
  const char* fact;
  Text text;    // Nothing: not known.
  Judge judge;  // Asked when it is known on both sides.
  bool must_be_known;
  const char* rule;
};

std::optional<std::string> NotEmpty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string>(text);
}

template <typename Number>
std::optional<std::string> NotZero(Number number) {
  return number == 0 ? std::nullopt : std::optional<std::string>(absl::StrCat(number));
}

// Of the node's description: nothing when the node did not give one.
Text OfNode(std::function<std::string(const hamisha::ledger::v1::NodeDescription&)> text) {
  return [text = std::move(text)](const HostFacts& host) -> std::optional<std::string> {
    if (!host.has_node()) return std::nullopt;
    return text(host.node());
  };
}
Text OfConfig(std::function<std::string(const NodeConfig&)> text) {
  return OfNode([text = std::move(text)](const auto& node) { return text(node.config()); });
}

// Who they are, not where: each side reaches the others under addresses of its own.
std::string MembersText(const NodeConfig& config) {
  std::vector<std::string> members;
  for (const Member& member : config.members()) {
    members.push_back(
        absl::StrCat(member.node_id(), "@", member.site(), " key ", member.public_key()));
  }
  std::sort(members.begin(), members.end());
  return absl::StrJoin(members, ", ");
}

absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

std::string BytesText(uint64_t bytes) {
  const auto count = static_cast<double>(bytes);
  if (bytes < kGiB) return absl::StrFormat("%.1f MiB", count / kMiB);
  return absl::StrFormat("%.1f GiB", count / kGiB);
}

std::optional<std::string> ClockText(const HostFacts& host) {
  if (!host.has_clock_offset()) return std::nullopt;
  return absl::StrFormat("%+.3f s", absl::ToDoubleSeconds(ToDuration(host.clock_offset())));
}
std::optional<std::string> ClockErrorText(const HostFacts& host) {
  if (!host.has_clock_synchronized()) return std::nullopt;
  if (!host.clock_synchronized()) return "not synchronized";
  return absl::StrFormat("at most %.3f s",
                         absl::ToDoubleSeconds(ToDuration(host.clock_error_max())));
}
std::optional<std::string> DiskSpaceText(const HostFacts& host) {
  if (!host.has_data_bytes() || !host.has_disk_free_bytes()) return std::nullopt;
  return absl::StrCat(BytesText(host.data_bytes()), " used, ", BytesText(host.disk_free_bytes()),
                      " free");
}
std::optional<std::string> DiskSpeedText(const HostFacts& host) {
  if (host.disk_write_bytes_per_s() == 0) return std::nullopt;
  return absl::StrCat(host.disk_write_bytes_per_s() / kMiB, " MiB/s");
}

// --- How two values are compared ---

Judge Equal(const Text& text, Verdict otherwise) {
  return [=](const HostFacts& source, const HostFacts& target) {
    return text(source) == text(target) ? Verdict::kSame : otherwise;
  };
}

// Less than the other side has is told; less than is needed blocks, whatever the other side has.
Judge AtLeast(uint64_t needed, std::function<uint64_t(const HostFacts&)> value) {
  return [=](const HostFacts& source, const HostFacts& target) {
    if (value(target) < needed) return Verdict::kBlocks;
    return value(target) < value(source) ? Verdict::kTold : Verdict::kSame;
  };
}

Verdict JudgeMemory(const HostFacts& source, const HostFacts& target) {
  const auto enough = kMemoryShareMin * static_cast<double>(source.memory_bytes());
  return static_cast<double>(target.memory_bytes()) < enough ? Verdict::kBlocks : Verdict::kSame;
}

Verdict JudgeClock(const HostFacts& source, const HostFacts& target) {
  const absl::Duration apart =
      absl::AbsDuration(ToDuration(source.clock_offset()) - ToDuration(target.clock_offset()));
  return apart > kClockDifferenceMax ? Verdict::kBlocks : Verdict::kSame;
}

// What the kernel says of a clock that nothing sets means nothing: its difference is measured.
Verdict JudgeClockErrorOf(const HostFacts& host) {
  const absl::Duration error = ToDuration(host.clock_error_max());
  if (host.clock_synchronized() && error > kClockErrorMax) return Verdict::kBlocks;
  const bool is_fine = host.clock_synchronized() && error <= kClockErrorTold;
  return is_fine ? Verdict::kSame : Verdict::kTold;
}

// Of the worse of the two: the records of both are timed by their own.
Verdict JudgeClockError(const HostFacts& source, const HostFacts& target) {
  return std::max(JudgeClockErrorOf(source), JudgeClockErrorOf(target));
}

Verdict JudgeDiskSpace(const HostFacts& source, const HostFacts& target) {
  const auto needed = kCopySpace * static_cast<double>(source.data_bytes()) + kCopySpaceExtra;
  const auto room = static_cast<double>(target.data_bytes() + target.disk_free_bytes());
  return room < needed ? Verdict::kBlocks : Verdict::kSame;
}

Verdict JudgeDiskSpeed(const HostFacts& source, const HostFacts& target) {
  const uint64_t speed = target.disk_write_bytes_per_s();
  const auto enough = kDiskSpeedShareMin * static_cast<double>(source.disk_write_bytes_per_s());
  if (static_cast<double>(speed) >= enough) return Verdict::kSame;
  // Two sites of a lab: one disk, which was tried at a quieter and at a busier time.
  const bool is_one = !source.data_device().empty() && source.data_device() == target.data_device();
  return is_one || speed >= kDiskSpeedAmple ? Verdict::kTold : Verdict::kBlocks;
}

Row MustBeEqual(const char* fact, const Text& text) {
  return {fact, text, Equal(text, Verdict::kBlocks), true, "must be equal"};
}
Row MayDiffer(const char* fact, const Text& text) {
  return {fact, text, Equal(text, Verdict::kTold), false, "may differ"};
}

std::vector<Row> ProgramRows() {
  return {
      MustBeEqual("ledger_version", OfNode([](const auto& node) { return node.version(); })),
      MustBeEqual("ledger_sha256", [](const auto& host) { return NotEmpty(host.ledger_sha256()); }),
      MustBeEqual("agent_version", [](const auto& host) { return NotEmpty(host.agent_version()); }),
      MustBeEqual("agent_sha256", [](const auto& host) { return NotEmpty(host.agent_sha256()); }),
      MustBeEqual("log_format",
                  OfNode([](const auto& node) { return absl::StrCat(node.log_format()); })),
      MustBeEqual("snapshot_format",
                  OfNode([](const auto& node) { return absl::StrCat(node.snapshot_format()); })),
      MustBeEqual("shard", OfConfig([](const auto& it) { return absl::StrCat(it.shard()); })),
      MustBeEqual("first_owner", OfConfig([](const auto& it) { return it.first_owner(); })),
      MustBeEqual("members", OfConfig(MembersText)),
      MustBeEqual("lab_faults", OfConfig([](const auto& it) -> std::string {
                    return it.lab_faults() ? "on" : "off";
                  })),
      MayDiffer("trims_log", OfConfig([](const auto& it) -> std::string {
                  return it.trims_log() ? "on" : "off";
                })),
      MayDiffer("snapshot_log_bytes",
                OfConfig([](const auto& it) { return absl::StrCat(it.snapshot_log_bytes()); })),
  };
}

std::vector<Row> MachineRows() {
  return {
      MayDiffer("kernel_release", [](const auto& host) { return NotEmpty(host.kernel_release()); }),
      MayDiffer("cpu_model", [](const auto& host) { return NotEmpty(host.cpu_model()); }),
      MayDiffer("cpus", [](const auto& host) { return NotZero(host.cpus()); }),
      MayDiffer("cpu_features",
                [](const auto& host) { return NotEmpty(absl::StrJoin(host.cpu_features(), " ")); }),
      {"memory",
       [](const auto& host) -> std::optional<std::string> {
         if (host.memory_bytes() == 0) return std::nullopt;
         return BytesText(host.memory_bytes());
       },
       JudgeMemory, true, "at least 90 % of the source's"},
      MayDiffer("transparent_huge_pages",
                [](const auto& host) { return NotEmpty(host.transparent_huge_pages()); }),
      {"clock_offset", ClockText, JudgeClock, true, "at most 1 s apart"},
      {"clock_error", ClockErrorText, JudgeClockError, false,
       "should be synchronized, to 100 ms, and must be to 1 s if it is"},
      MayDiffer("time_zone", [](const auto& host) { return NotEmpty(host.time_zone()); }),
      {"open_files_max", [](const auto& host) { return NotZero(host.open_files_max()); },
       AtLeast(kOpenFilesNeeded, [](const auto& host) { return host.open_files_max(); }), true,
       "at least 1,024, better the source's"},
      {"map_count_max", [](const auto& host) { return NotZero(host.map_count_max()); },
       AtLeast(kMapCountNeeded, [](const auto& host) { return host.map_count_max(); }), true,
       "at least 65,530, better the source's"},
      MayDiffer("data_mount", [](const auto& host) { return NotEmpty(host.data_mount()); }),
      {"disk_space", DiskSpaceText, JudgeDiskSpace, true,
       "room for 1.25 times what the source uses and 1 GiB"},
      {"disk_write_speed", DiskSpeedText, JudgeDiskSpeed, true,
       "at least half the source's, or 500 MiB/s, unless they are one disk"},
  };
}

// All that is compared, and how. A new fact is a row here.
const std::vector<Row>& Table() {
  static const auto& table = *new std::vector<Row>([] {
    std::vector<Row> rows = ProgramRows();
    for (Row& row : MachineRows()) rows.push_back(std::move(row));
    return rows;
  }());
  return table;
}

std::string OrNotKnown(const std::optional<std::string>& text) {
  return text.value_or("not known");
}

}  // namespace

std::vector<Difference> CompareHosts(const HostFacts& source, const HostFacts& target) {
  std::vector<Difference> differences;
  for (const Row& row : Table()) {
    const std::optional<std::string> there = row.text(source);
    const std::optional<std::string> here = row.text(target);
    Verdict verdict = row.must_be_known ? Verdict::kBlocks : Verdict::kTold;
    if (there.has_value() && here.has_value()) {
      verdict = row.judge(source, target);
    } else if (there.has_value() == here.has_value() && !row.must_be_known) {
      verdict = Verdict::kSame;
    }
    if (verdict == Verdict::kSame) continue;
    differences.push_back({.fact = row.fact,
                           .source = OrNotKnown(there),
                           .target = OrNotKnown(here),
                           .blocks = verdict == Verdict::kBlocks,
                           .rule = row.rule});
  }
  return differences;
}

std::vector<std::pair<std::string, std::string>> FactsOf(const HostFacts& host) {
  std::vector<std::pair<std::string, std::string>> facts;
  for (const Row& row : Table()) {
    if (const auto text = row.text(host)) facts.emplace_back(row.fact, *text);
  }
  return facts;
}

std::string Describe(const Difference& difference, const std::string& source_host,
                     const std::string& target_host) {
  return absl::StrCat(difference.source, " on ", source_host, ", ", difference.target, " on ",
                      target_host, " (", difference.rule, ")");
}

}  // namespace agents
