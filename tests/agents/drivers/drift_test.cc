// What counts as a difference between the machines, and which differences block.
#include "agents/drivers/host/drift.h"

#include <catch2/catch.hpp>

#include <functional>

namespace agents {
namespace {

using hamisha::agent::v1::HostFacts;

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kGiB = uint64_t{1} << 30;

HostFacts Server(const std::string& host) {
  HostFacts facts;
  facts.set_host(host);
  facts.set_agent_version("0.1.0");
  facts.set_agent_sha256("a1");
  facts.set_ledger_sha256("b2");
  auto& node = *facts.mutable_node();
  node.set_version("0.1.0");
  node.set_log_format(2);
  node.set_snapshot_format(1);
  node.mutable_config()->set_node_id(host);
  node.mutable_config()->set_listen(host + ":7000");
  node.mutable_config()->set_first_owner("source-0");
  for (const std::string site : {"source", "target"}) {
    auto& member = *node.mutable_config()->add_members();
    member.set_node_id(site + "-0");
    member.set_site(site);
    member.set_address("as " + host + " reaches it");
    member.set_public_key("key of " + site);
  }
  facts.set_kernel_release("6.1.0");
  facts.set_cpu_model("a model");
  facts.set_cpus(8);
  facts.add_cpu_features("sha_ni");
  facts.set_memory_bytes(64 * kGiB);
  facts.set_time_zone("Africa/Nairobi");
  facts.set_transparent_huge_pages("madvise");
  facts.mutable_clock_offset()->set_nanos(2'000'000);
  facts.mutable_clock_error_max()->set_nanos(1'000'000);
  facts.set_clock_synchronized(true);
  facts.set_data_mount("ext4 rw,noatime");
  facts.set_data_bytes(100 * kGiB);
  facts.set_disk_free_bytes(300 * kGiB);
  facts.set_disk_write_bytes_per_s(400 * kMiB);
  facts.set_open_files_max(65'536);
  facts.set_map_count_max(262'144);
  return facts;
}

TEST_CASE("servers that differ only in name and addresses are equal", "[drift]") {
  CHECK(CompareHosts(Server("source-0"), Server("target-0")).empty());
}

// "block: fact", "tell: fact" for each difference.
std::vector<std::string> Verdicts(const HostFacts& source, const HostFacts& target) {
  std::vector<std::string> verdicts;
  for (const Difference& difference : CompareHosts(source, target)) {
    verdicts.push_back((difference.blocks ? "block: " : "tell: ") + difference.fact);
  }
  return verdicts;
}

TEST_CASE("the source's clock is judged as the target's is", "[drift]") {
  HostFacts source = Server("source-0");
  source.set_clock_synchronized(false);
  CHECK(Verdicts(source, Server("target-0")) == std::vector<std::string>{"tell: clock_error"});
  source.set_clock_synchronized(true);
  source.mutable_clock_error_max()->set_seconds(2);
  CHECK(Verdicts(source, Server("target-0")) == std::vector<std::string>{"block: clock_error"});
}

TEST_CASE("each fact of the target has its own judgement", "[drift]") {
  struct Row {
    std::string what;
    std::function<void(HostFacts&)> change;
    std::vector<std::string> verdicts;
  };
  using Facts = HostFacts&;
  using All = std::vector<std::string>;
  const auto row = GENERATE(values<Row>({
      {"another ledger program", [](Facts it) { it.set_ledger_sha256("b3"); },
       All{"block: ledger_sha256"}},
      {"a ledger program that could not be read", [](Facts it) { it.clear_ledger_sha256(); },
       All{"block: ledger_sha256"}},
      {"another agent", [](Facts it) { it.set_agent_version("0.2.0"), it.set_agent_sha256("a2"); },
       All{"block: agent_version", "block: agent_sha256"}},
      {"another ledger version", [](Facts it) { it.mutable_node()->set_version("0.2.0"); },
       All{"block: ledger_version"}},
      {"another log format", [](Facts it) { it.mutable_node()->set_log_format(3); },
       All{"block: log_format"}},
      {"another shard", [](Facts it) { it.mutable_node()->mutable_config()->set_shard(1); },
       All{"block: shard"}},
      {"another key of a member",
       [](Facts it) {
         it.mutable_node()->mutable_config()->mutable_members(0)->set_public_key("forged");
       },
       All{"block: members"}},
      {"members in another order",
       [](Facts it) { it.mutable_node()->mutable_config()->mutable_members()->SwapElements(0, 1); },
       All{}},
      {"the log is trimmed",
       [](Facts it) { it.mutable_node()->mutable_config()->set_trims_log(true); },
       All{"tell: trims_log"}},
      {"another kernel", [](Facts it) { it.set_kernel_release("5.10.0"); },
       All{"tell: kernel_release"}},
      {"no instruction for SHA-256", [](Facts it) { it.clear_cpu_features(); },
       All{"tell: cpu_features"}},
      {"a little less memory", [](Facts it) { it.set_memory_bytes(60 * kGiB); }, All{}},
      {"half the memory", [](Facts it) { it.set_memory_bytes(32 * kGiB); }, All{"block: memory"}},
      {"a clock one second behind", [](Facts it) { it.mutable_clock_offset()->set_seconds(-1); },
       All{}},
      {"a clock two seconds ahead", [](Facts it) { it.mutable_clock_offset()->set_seconds(2); },
       All{"block: clock_offset"}},
      {"a clock that nothing sets", [](Facts it) { it.set_clock_synchronized(false); },
       All{"tell: clock_error"}},
      {"a clock that may be 100 ms off",
       [](Facts it) { it.mutable_clock_error_max()->set_nanos(100'000'000); }, All{}},
      {"a clock that may be more than 100 ms off",
       [](Facts it) { it.mutable_clock_error_max()->set_nanos(100'001'000); },
       All{"tell: clock_error"}},
      {"a clock that may be more than 1 s off",
       [](Facts it) { it.mutable_clock_error_max()->set_seconds(1); }, All{"block: clock_error"}},
      {"another time zone", [](Facts it) { it.set_time_zone("UTC"); }, All{"tell: time_zone"}},
      {"a few open files less", [](Facts it) { it.set_open_files_max(1'024); },
       All{"tell: open_files_max"}},
      {"too few open files", [](Facts it) { it.set_open_files_max(1'023); },
       All{"block: open_files_max"}},
      {"too few mappings", [](Facts it) { it.set_map_count_max(65'529); },
       All{"block: map_count_max"}},
      {"other mount options", [](Facts it) { it.set_data_mount("ext4 rw,sync"); },
       All{"tell: data_mount"}},
      {"just enough space", [](Facts it) { it.set_disk_free_bytes(26 * kGiB); }, All{}},
      {"too little space", [](Facts it) { it.set_disk_free_bytes(26 * kGiB - 1); },
       All{"block: disk_space"}},
      {"half the disk's speed", [](Facts it) { it.set_disk_write_bytes_per_s(200 * kMiB); }, All{}},
      {"less than half the disk's speed",
       [](Facts it) { it.set_disk_write_bytes_per_s(200 * kMiB - 1); },
       All{"block: disk_write_speed"}},
      {"a disk that could not be tried", [](Facts it) { it.clear_disk_write_bytes_per_s(); },
       All{"block: disk_write_speed"}},
  }));
  DYNAMIC_SECTION(row.what) {
    HostFacts target = Server("target-0");
    row.change(target);
    CHECK(Verdicts(Server("source-0"), target) == row.verdicts);
  }
}

TEST_CASE("a disk that is fast enough for any ledger may be slower than the source's", "[drift]") {
  HostFacts source = Server("source-0");
  HostFacts target = Server("target-0");
  source.set_disk_write_bytes_per_s(2'000 * kMiB);
  target.set_disk_write_bytes_per_s(500 * kMiB);
  CHECK(Verdicts(source, target) == std::vector<std::string>{"tell: disk_write_speed"});
}

TEST_CASE("one disk that was slower the second time does not block", "[drift]") {
  HostFacts source = Server("source-0");
  HostFacts target = Server("target-0");
  target.set_disk_write_bytes_per_s(100 * kMiB);
  source.set_data_device("a boot, 8:1");
  const auto [what, device, verdict] = GENERATE(table<const char*, const char*, const char*>({
      {"one disk", "a boot, 8:1", "tell: disk_write_speed"},
      {"another disk", "a boot, 8:2", "block: disk_write_speed"},
      {"another machine", "another boot, 8:1", "block: disk_write_speed"},
      {"not known", "", "block: disk_write_speed"},
  }));
  DYNAMIC_SECTION(what) {
    target.set_data_device(device);
    CHECK(Verdicts(source, target) == std::vector<std::string>{verdict});
  }
}

TEST_CASE("what is known of neither side blocks only when it matters", "[drift]") {
  HostFacts source = Server("source-0");
  HostFacts target = Server("target-0");
  for (HostFacts* facts : {&source, &target}) {
    facts->clear_time_zone();
    facts->clear_open_files_max();
  }
  CHECK(Verdicts(source, target) == std::vector<std::string>{"block: open_files_max"});
}

TEST_CASE("all differences come at once, with both values", "[drift]") {
  HostFacts target = Server("target-0");
  target.set_open_files_max(256);
  target.clear_memory_bytes();
  const auto differences = CompareHosts(Server("source-0"), target);
  REQUIRE(differences.size() == 2);
  CHECK(Describe(differences[0], "source-0", "target-0") ==
        "64.0 GiB on source-0, not known on target-0 (at least 90 % of the source's)");
  CHECK(Describe(differences[1], "source-0", "target-0") ==
        "65536 on source-0, 256 on target-0 (at least 1,024, better the "
        "source's)");
}

}  // namespace
}  // namespace agents
