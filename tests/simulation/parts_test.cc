#include <catch2/catch.hpp>

#include "simulation/network.h"
#include "simulation/scheduler.h"
#include "simulation/survey.h"
#include "tests/simulation/worlds.h"

namespace simulation {
namespace {

struct Link {
  Scheduler scheduler;
  Dice dice{1};
  Network network{scheduler, dice};
  HostIndex here = network.AddHost(0);
  HostIndex there = network.AddHost(1);
  Life life;
  int broken = 0;

  std::shared_ptr<Stream> Connect() {
    const auto note = [this] { ++broken; };
    return std::make_shared<Stream>(network, Stream::End{here, &life, note},
                                    Stream::End{there, &life, note});
  }
  void RunAll() {
    while (scheduler.RunNext()) {
    }
  }
};

TEST_CASE("what happens at one moment happens in the order it was asked for", "[simulation]") {
  Scheduler scheduler;
  std::string order;
  scheduler.After(absl::Seconds(2), [&] { order += 'c'; });
  scheduler.After(absl::Seconds(1), [&] { order += 'a'; });
  scheduler.After(absl::Seconds(1), [&] { order += 'b'; });
  while (scheduler.RunNext()) {
  }
  CHECK(order == "abc");
  CHECK(scheduler.now() == absl::Seconds(2));
}

TEST_CASE("what was asked for in an earlier life never happens", "[simulation]") {
  Scheduler scheduler;
  Life life;
  bool happened = false;
  scheduler.After(
      absl::Seconds(1), [&] { happened = true; }, &life);
  life.End();
  CHECK_FALSE(scheduler.RunNext());
  CHECK_FALSE(happened);
}

TEST_CASE("a stream keeps the order of its messages, however long each takes", "[simulation]") {
  Link link;
  link.network.traits().straggle = 0.5;
  const auto stream = link.Connect();
  std::vector<int> arrived;
  for (int i = 0; i < 100; ++i) stream->ToServer([&arrived, i] { arrived.push_back(i); });
  link.RunAll();
  REQUIRE(arrived.size() == 100);
  CHECK(std::is_sorted(arrived.begin(), arrived.end()));
}

TEST_CASE("a message that cannot arrive breaks its stream, and both ends hear of it",
          "[simulation]") {
  Link link;
  const auto stream = link.Connect();
  bool arrived = false;
  stream->ToServer([&] { arrived = true; });
  link.network.Cut(link.here, link.there);
  link.RunAll();
  CHECK_FALSE(arrived);
  CHECK_FALSE(stream->is_open());
  CHECK(link.broken == 2);
}

TEST_CASE("cuts count: the network heals when the last is mended", "[simulation]") {
  Link link;
  link.network.Cut(link.here, link.there);
  link.network.Cut(link.there, link.here);
  link.network.Heal(link.here, link.there);
  CHECK_FALSE(link.network.IsReachable(link.here, link.there));
  link.network.Heal(link.here, link.there);
  CHECK(link.network.IsReachable(link.there, link.here));
}

TEST_CASE("a survey counts ends, and names the lowest seed of each", "[simulation][survey]") {
  Survey survey(*SunnyWorld(0).plan);
  WorldResult well;
  well.state = hamisha::orchestrator::v1::RUN_STATE_SUCCEEDED;
  well.length = absl::Hours(1);
  well.writes_pass = true;
  WorldResult broken = well;
  broken.length = absl::Hours(20);
  broken.broken = BrokenPromise{"a promise", "how"};
  survey.Add(9, well);
  survey.Add(4, well);
  Survey other(*SunnyWorld(0).plan);
  other.Add(7, broken);
  survey.Merge(other);
  CHECK(survey.worlds() == 3);
  CHECK(survey.endings().at("succeeded").count == 2);
  CHECK(survey.endings().at("succeeded").seed == 4);
  CHECK(survey.broken().at("a promise: how").seed == 7);
  CHECK(survey.first_broken() == 7);
  CHECK(survey.window_held() == 2);  // The weekend's window has 13 hours.
  CHECK(survey.Length(0.5) == absl::Hours(1));
  CHECK(survey.Length(1) == absl::Hours(20));
}

}  // namespace
}  // namespace simulation
