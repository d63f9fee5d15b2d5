#include "ledger/client/outcome.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "ledger/core/status.h"
#include "ledger/core/types.h"

namespace ledger {
namespace {

constexpr uint32_t kOk = 0;
constexpr uint32_t kLinkedEventFailed = static_cast<uint32_t>(TransferStatus::kLinkedEventFailed);
static_assert(kLinkedEventFailed == static_cast<uint32_t>(AccountStatus::kLinkedEventFailed));

std::vector<uint32_t> CodesByEvent(const pb::CreateResponse& response, size_t events) {
  std::vector<uint32_t> codes(events, kOk);
  for (const pb::EventResult& result : response.results()) {
    if (result.index() < events) codes[result.index()] = result.code();
  }
  return codes;
}

template <typename IsLinked>
void Forgive(size_t events, uint32_t exists, const IsLinked& is_linked,
             pb::CreateResponse* response) {
  if (response->results().empty()) return;
  std::vector<uint32_t> codes = CodesByEvent(*response, events);
  for (size_t first = 0, next = 0; first < events; first = next) {
    next = first + 1;
    while (next < events && is_linked(next - 1)) ++next;
    const auto begin = codes.begin() + static_cast<std::ptrdiff_t>(first);
    const auto end = codes.begin() + static_cast<std::ptrdiff_t>(next);
    const bool happened = *begin == exists && std::all_of(begin + 1, end, [](uint32_t code) {
      return code == kLinkedEventFailed;
    });
    if (happened) std::fill(begin, end, kOk);
  }
  response->clear_results();
  for (size_t index = 0; index < events; ++index) {
    if (codes[index] == kOk) continue;
    pb::EventResult* result = response->add_results();
    result->set_index(static_cast<uint32_t>(index));
    result->set_code(codes[index]);
  }
}

}  // namespace

void ForgiveRepeats(const pb::CreateAccountsRequest& request, pb::CreateResponse* response) {
  Forgive(
      static_cast<size_t>(request.accounts_size()), static_cast<uint32_t>(AccountStatus::kExists),
      [&](size_t index) {
        return (request.accounts(static_cast<int>(index)).flags() & AccountFlags::kLinked) != 0;
      },
      response);
}

void ForgiveRepeats(const pb::CreateTransfersRequest& request, pb::CreateResponse* response) {
  Forgive(
      static_cast<size_t>(request.transfers_size()), static_cast<uint32_t>(TransferStatus::kExists),
      [&](size_t index) {
        return (request.transfers(static_cast<int>(index)).flags() & TransferFlags::kLinked) != 0;
      },
      response);
}

void ForgiveRepeats(const pb::SetBalanceLimitsRequest& /*request*/,
                    pb::CreateResponse* /*response*/) {}

}  // namespace ledger
