// What an agent learns of its server, and what it answers to a comparison.
#include <unistd.h>
#include <catch2/catch.hpp>

#include <limits>
#include <memory>
#include <string>

#include "agents/drivers/host/disk_speed.h"
#include "agents/drivers/host/drivers.h"
#include "agents/drivers/host/proc.h"
#include "base/file_system.h"
#include "hamisha/action/v1/host.pb.h"
#include "tests/agents/drivers/fake_node.h"
#include "tests/temporary_folder.h"

namespace agents {
namespace {

using Catch::Matchers::Contains;

// A fake node of this very process, with a data folder of its own.
struct World {
  World() {
    node.description.set_pid(::getpid());
    node.description.set_version("0.1.0");
    node.description.mutable_config()->set_data_dir(folder.path());
    AddHostDrivers(node.stub(), {.version = "0.1.0", .sha256 = "a1"}, base::SystemFileSystem(),
                   drivers);
  }
  pb::HostFacts Facts(const std::string& host) {
    const auto result = Drive(drivers, MakeOrder(host, pb::MODE_APPLY, action::HostFacts()));
    CAPTURE(result.message());
    REQUIRE(result.outcome() == kOk);
    return result.host();
  }

  const TemporaryFolder folder;
  FakeNode node;
  Drivers drivers;
};

TEST_CASE("host.facts finds what is needed on the machine that runs this test", "[drivers]") {
  World world;
  const pb::HostFacts facts = world.Facts("source-0");
  CHECK(facts.host() == "source-0");
  CHECK(facts.agent_sha256() == "a1");
  CHECK(facts.node().version() == "0.1.0");
  CHECK(facts.ledger_sha256().size() == 64);
  CHECK_FALSE(facts.kernel_release().empty());
  CHECK(facts.cpus() > 0);
  CHECK(facts.memory_bytes() > 0);
  CHECK(facts.open_files_max() > 0);
  CHECK(facts.map_count_max() > 0);
  CHECK_FALSE(facts.data_mount().empty());
  CHECK_FALSE(facts.data_device().empty());
  CHECK(facts.has_disk_free_bytes());
  CHECK(facts.disk_write_bytes_per_s() > 0);
  CHECK(base::SystemFileSystem().List(world.folder.path())->empty());  // Nothing is left behind.
}

TEST_CASE("host.facts fails when the ledger node cannot say what it is", "[drivers]") {
  Drivers drivers;
  AddHostDrivers(ledger_pb::Node::NewStub(rpc::Connect("127.0.0.1:1")),
                 {.version = "0.1.0", .sha256 = "a1"}, base::SystemFileSystem(), drivers);
  pb::Order order = MakeOrder("source-0", pb::MODE_APPLY, action::HostFacts());
  order.mutable_timeout()->set_seconds(0);
  order.mutable_timeout()->set_nanos(100'000'000);
  const auto result = Drive(drivers, order);
  CHECK(result.outcome() == kFailed);
  CHECK_FALSE(result.has_host());
}

TEST_CASE("a file of the data folder that has two names counts once", "[drivers]") {
  World world;
  constexpr uint64_t kBytes = 4 << 20;
  base::FileSystem& files = base::SystemFileSystem();
  const std::string folder = world.folder.path();
  REQUIRE(files.CreateFolders(folder + "/copies/a").ok());
  REQUIRE(files.Replace(folder + "/run", std::string(kBytes, 'x')).ok());
  REQUIRE(files.Link(folder + "/run", folder + "/copies/a/run").ok());
  const uint64_t bytes = world.Facts("source-0").data_bytes();
  CHECK(bytes >= kBytes);
  CHECK(bytes < 2 * kBytes);
}

SCENARIO("host.compare judges the target by its source", "[drivers]") {
  World world;
  action::HostCompare compare;
  compare.set_from("source");
  pb::Order order = MakeOrder("target-0", pb::MODE_APPLY, compare);
  pb::HostFacts source = world.Facts("source-0");
  source.mutable_clock_offset();        // That the orchestrator would fill in.
  source.set_clock_synchronized(true);  // Whatever this machine says.
  source.mutable_clock_error_max()->Clear();
  pb::HostFacts target = source;
  target.set_host("target-0");

  WHEN("they are alike") {
    *order.add_hosts() = source;
    *order.add_hosts() = target;
    const auto result = Drive(world.drivers, order);
    CHECK(result.outcome() == kOk);
    CHECK(result.message() == "as source-0 in all that matters");
  }
  WHEN("the target's limit is too low, and its kernel another") {
    target.set_open_files_max(256);
    target.set_kernel_release("5.10.0");
    *order.add_hosts() = target;
    *order.add_hosts() = source;
    const auto result = Drive(world.drivers, order);
    CHECK(result.outcome() == kFailed);
    CHECK(result.refused());
    CHECK_THAT(result.message(), Contains("must not take over from source-0: open_files_max: ") &&
                                     Contains("256 on target-0") &&
                                     Contains("Only told: kernel_release: "));
    CHECK_THAT(result.facts().at("open_files_max"), Catch::StartsWith("blocks; "));
    CHECK_THAT(result.facts().at("kernel_release"), Catch::StartsWith("told; "));
  }
  WHEN("nobody asked the source") {
    *order.add_hosts() = target;
    const auto result = Drive(world.drivers, order);
    CHECK(result.outcome() == kFailed);
    CHECK_FALSE(result.refused());
    CHECK_THAT(result.message(), Contains("nothing is known of source-0"));
  }
}

TEST_CASE("neither leaves an effect for a probe to find", "[drivers]") {
  World world;
  action::HostCompare compare;
  compare.set_from("source");
  const auto probe = [&](const google::protobuf::Message& message) {
    return Drive(world.drivers, MakeOrder("target-0", pb::MODE_PROBE, message)).outcome();
  };
  CHECK(probe(action::HostFacts()) == kFailed);
  CHECK(probe(compare) == kFailed);
}

// A disk on which each MiB takes its time, by a clock that only it moves.
class SlowDisk final : public base::FileSystem {
 public:
  explicit SlowDisk(absl::Duration per_mib) : per_mib_(per_mib) {}

  absl::StatusOr<std::unique_ptr<base::File>> Open(const std::string& /*path*/) override {
    return std::make_unique<SlowFile>(*this);
  }
  absl::StatusOr<std::unique_ptr<base::File>> OpenDirect(const std::string& path,
                                                         base::IfMissing /*if_missing*/) override {
    return Open(path);
  }
  absl::Status Rename(const std::string& /*from*/, const std::string& /*to*/) override {
    return No();
  }
  absl::Status Link(const std::string& /*from*/, const std::string& /*to*/) override {
    return No();
  }
  absl::Status RemoveAll(const std::string& /*path*/) override { return No(); }
  absl::Status Remove(const std::string& /*path*/) override {
    ++removed;
    return absl::OkStatus();
  }
  absl::StatusOr<std::string> Read(const std::string& /*path*/) override { return No(); }
  absl::Status Replace(const std::string& /*path*/, absl::string_view /*content*/) override {
    return No();
  }
  absl::Status CreateFolders(const std::string& /*path*/) override { return No(); }
  absl::Status SyncFolder(const std::string& /*path*/) override { return No(); }
  absl::StatusOr<std::vector<std::string>> List(const std::string& /*path*/) override {
    return No();
  }
  bool Exists(const std::string& /*path*/) override { return false; }
  absl::StatusOr<bool> IsLinked(const std::string& /*path*/) override { return No(); }

  base::ManualClock clock{absl::UnixEpoch()};
  uint64_t written = 0;
  int removed = 0;

 private:
  class SlowFile final : public base::File {
   public:
    explicit SlowFile(SlowDisk& disk) : disk_(disk) {}
    absl::Status WriteAt(uint64_t offset, absl::string_view data) override {
      CHECK(offset % base::kDirectAlignment == 0);
      CHECK(reinterpret_cast<uintptr_t>(data.data()) % base::kDirectAlignment == 0);
      disk_.written += data.size();
      disk_.clock.Advance(disk_.per_mib_ * (static_cast<double>(data.size()) / (1 << 20)));
      return absl::OkStatus();
    }
    absl::Status Sync() override { return absl::OkStatus(); }
    absl::Status Preallocate(uint64_t /*bytes*/) override { return absl::OkStatus(); }
    absl::Status ReadAt(uint64_t /*offset*/, void* /*data*/, size_t /*bytes*/) const override {
      return No();
    }
    absl::Status Truncate(uint64_t /*bytes*/) override { return No(); }
    absl::StatusOr<uint64_t> Size() const override { return No(); }

   private:
    SlowDisk& disk_;
  };

  static absl::Status No() { return absl::UnimplementedError("not for this test"); }

  const absl::Duration per_mib_;
};

TEST_CASE("a disk's speed is what it writes in the time it takes, within bounds", "[drivers]") {
  SlowDisk disk(absl::Milliseconds(10));
  const auto speed = MeasureDiskWrite(disk, disk.clock, "/data");
  REQUIRE(speed.ok());
  CHECK(static_cast<double>(*speed) == Approx(100 * (1 << 20)));
  CHECK(disk.written == kDiskProbeBytesMax);
  CHECK(disk.removed == 1);
}

TEST_CASE("a disk that hardly writes is not waited for", "[drivers]") {
  SlowDisk disk(absl::Seconds(1));
  const auto speed = MeasureDiskWrite(disk, disk.clock, "/data");
  REQUIRE(speed.ok());
  CHECK(static_cast<double>(*speed) == Approx(1 << 20));
  CHECK(disk.written <= uint64_t{5} << 20);
}

TEST_CASE("a folder that cannot be written says why", "[drivers]") {
  const auto speed =
      MeasureDiskWrite(base::SystemFileSystem(), base::SystemClock(), "/absent/folder");
  REQUIRE_FALSE(speed.ok());
  CHECK_THAT(std::string(speed.status().message()), Contains("/absent/folder"));
}

TEST_CASE("what the kernel writes is read", "[drivers]") {
  const CpuInfo cpu = ParseCpuInfo(
      "processor\t: 0\nmodel name\t: Fast CPU\nflags\t\t: fpu sha_ni avx2\n\n"
      "processor\t: 1\nmodel name\t: Fast CPU\nflags\t\t: fpu sha_ni avx2\n");
  CHECK(cpu.model == "Fast CPU");
  CHECK(cpu.count == 2);
  CHECK(cpu.features == Strings{"avx2", "sha_ni"});
  CHECK(ParseMemoryBytes("MemFree: 1 kB\nMemTotal:       1000 kB\n") == 1'024'000);
  CHECK(ParseOpenFilesMax("Limit  Soft  Hard  Units\nMax open files   256   512   files\n") == 256);
  CHECK(ParseOpenFilesMax("Max open files            unlimited            unlimited\n") ==
        std::numeric_limits<uint64_t>::max());
  CHECK(ParseChosen("always [madvise] never\n") == "madvise");
  CHECK(ParseOpenFilesMax("") == 0);
}

TEST_CASE("a folder lies on the mount nearest to it", "[drivers]") {
  const std::string mounts =
      "20 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
      "21 20 8:2 / /data rw,noatime shared:1 - xfs /dev/sdb1 rw\n"
      "22 20 8:3 / /data/other ro - ext4 /dev/sdc1 rw\n";
  CHECK(ParseMountOf(mounts, "/data/node-0") == "xfs rw,noatime");
  CHECK(ParseMountOf(mounts, "/data") == "xfs rw,noatime");
  CHECK(ParseMountOf(mounts, "/database") == "ext4 rw,relatime");
  CHECK(ParseMountOf(mounts, "/data/other/node") == "ext4 ro");
  CHECK(ParseMountOf("", "/data").empty());
}

}  // namespace
}  // namespace agents
