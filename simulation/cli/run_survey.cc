#include "simulation/cli/run_survey.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

namespace simulation {
namespace {

constexpr uint64_t kBlock = 64;

}  // namespace

Survey RunSurvey(const SurveyOptions& options) {
  Survey all(*options.world.plan);
  std::mutex mutex;  // Which the thread sanitizer knows.
  std::atomic<uint64_t> next = 0;
  std::atomic<bool> stop = false;
  const auto work = [&] {
    while (!stop) {
      const uint64_t begin = next.fetch_add(kBlock);
      if (begin >= options.seeds) return;
      Survey block(*options.world.plan);
      for (uint64_t i = begin; i < std::min(begin + kBlock, options.seeds); ++i) {
        WorldOptions world = options.world;
        world.seed = options.first_seed + i;
        const WorldResult result = World(world).Run();
        block.Add(world.seed, result);
        if (result.broken.has_value() && options.stop_at_broken) {
          stop = true;
          break;
        }
      }
      const std::lock_guard lock(mutex);
      all.Merge(block);
      options.progress(all.worlds());
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < options.threads; ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  return all;
}

}  // namespace simulation
