#include "benchmarks/orchestrator/big_plan.h"

#include <algorithm>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/invariant.h"
#include "benchmarks/common/figures.h"

namespace benchmarks {
namespace {

constexpr uint32_t kWaveHosts = 20;
constexpr uint32_t kActions = 50;  // That differ.
constexpr uint32_t kStride = 7;    // From one link's host to the next one's.

std::string HostName(uint32_t host) {
  return absl::StrCat(host % 2 == 0 ? "a" : "b", absl::Dec(host / 2, absl::kZeroPad4));
}

std::string InventoryOf(const BigPlanOptions& options) {
  std::string text = "apiVersion: hamisha/v1\nkind: Inventory\nsites: [source, target]\nhosts:\n";
  const std::string key(64, 'a');
  for (uint32_t host = 0; host < options.hosts; ++host) {
    absl::StrAppend(&text, "  - {name: ", HostName(host),
                    ", site: ", host % 2 == 0 ? "source" : "target",
                    ", kind: ledger, shard: ", host / 2, ", node_key: ", key, "}\n");
  }
  absl::StrAppend(&text, "groups:\n");
  for (uint32_t first = 0; first < options.hosts; first += kWaveHosts) {
    std::vector<std::string> names;
    for (uint32_t i = first; i < std::min(first + kWaveHosts, options.hosts); ++i) {
      names.push_back(HostName(i));
    }
    absl::StrAppend(&text, "  wave-", first / kWaveHosts, ": [", absl::StrJoin(names, ", "), "]\n");
  }
  return text;
}

class Writer {
 public:
  explicit Writer(const BigPlanOptions& options) : options_(options) {}

  // `links` steps that share `chains` chains; `hosts` says where the n-th goes.
  template <typename HostsOf>
  void Phase(const std::string& name, uint32_t links, uint32_t chains, const std::string& more,
             HostsOf hosts) {
    absl::StrAppend(&text_, "  - name: ", name, "\n    steps:\n");
    const uint32_t first = next_;
    for (uint32_t link = 0; link < links; ++link) {
      const std::string needs = link < chains ? "" : absl::StrCat("s", first + link - chains);
      absl::StrAppend(&text_, "    - {id: s", next_++,
                      ", action: ledger.await_lag, hosts: ", hosts(link), ", needs: [", needs,
                      "], with: {max_lag: ", link % kActions + 1, "s}", more, "}\n");
    }
  }

  std::string Take() { return std::move(text_); }

 private:
  const BigPlanOptions options_;
  uint32_t next_ = 0;
  std::string text_ =
      "apiVersion: hamisha/v1\nkind: Playbook\n"
      "metadata: {name: big, description: As many steps and hosts as are promised}\nphases:\n";
};

std::string PlaybookOf(const BigPlanOptions& options) {
  const uint32_t on_all = std::max(options.steps / 200, 1U);
  const uint32_t waves = options.steps / 10;
  const uint32_t retried = options.steps / 20;
  const auto one_host = [&](uint32_t link) { return HostName(link * kStride % options.hosts); };
  const uint32_t groups = (options.hosts + kWaveHosts - 1) / kWaveHosts;
  Writer writer(options);
  writer.Phase(kChains, options.steps - on_all - waves - retried, options.chains, "", one_host);
  writer.Phase(kRetries, retried, options.chains, ", retries: 1, delay: 100ms", one_host);
  writer.Phase(kWaves, waves, 1, "",
               [&](uint32_t link) { return absl::StrCat("wave-", link % groups); });
  writer.Phase(kAll, on_all, 1, "", [](uint32_t) { return "all"; });
  return writer.Take();
}

}  // namespace

BigPlan MakeBigPlan(const BigPlanOptions& options) {
  BigPlan big;
  big.playbook = {"big.yaml", PlaybookOf(options)};
  big.inventory = {"hosts.yaml", InventoryOf(options)};
  const double start = SecondsNow();
  orchestrator::Compilation compilation = orchestrator::Compile(big.playbook, big.inventory);
  big.compile_s = SecondsNow() - start;
  for (const auto& diagnostic : compilation.diagnostics) std::cerr << ToString(diagnostic) << "\n";
  INVARIANT(compilation.diagnostics.empty());
  big.plan = std::move(compilation.plan);
  for (const auto& step : big.plan.steps) {
    big.orders += step.apply.hosts.size() * (step.retries > 0 ? 2 : 1);
  }
  return big;
}

}  // namespace benchmarks
