#pragma once

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "agents/runtime/driver.h"
#include "agents/runtime/order_context.h"
#include "rpc/rpc.h"

namespace agents {

// One call, for at most `limit` and the order's timeout. `invoke` is given (ClientContext*,
// Response*). A call that changes something ends early only with the program (EndsOn::kStop).
template <typename Response, typename Invoke>
absl::StatusOr<Response> Call(OrderContext& order, OrderContext::EndsOn ends_on,
                              absl::Duration limit, const Invoke& invoke) {
  grpc::ClientContext client;
  client.set_deadline(
      absl::ToChronoTime(order.clock().WallNow() + std::min(limit, order.Remaining())));
  const OrderContext::Interruptible interruptible(order, ends_on,
                                                  [&client] { client.TryCancel(); });
  Response response;
  const grpc::Status status = invoke(&client, &response);
  if (!status.ok()) return rpc::FromGrpc(status);
  return response;
}

// The same, again and again while nobody answers (UNAVAILABLE), until the order's timeout: only for
// calls that may be repeated.
template <typename Response, typename Invoke>
absl::StatusOr<Response> CallUntilAnswered(OrderContext& order, OrderContext::EndsOn ends_on,
                                           const Invoke& invoke) {
  constexpr absl::Duration kPause = absl::Milliseconds(20);
  while (true) {
    absl::StatusOr<Response> response =
        Call<Response>(order, ends_on, absl::InfiniteDuration(), invoke);
    if (response.ok() || !absl::IsUnavailable(response.status())) return response;
    if (!order.Wait(kPause)) return response;
  }
}

// Whether an error of a call says that the server has not done it, and why: not that nobody knows.
bool IsRefusal(const absl::Status& status);

// The result of a call that would have changed something: FAILED when the server refused it,
// UNKNOWN otherwise. "sealing shard 0: <error>: <what to do>".
hamisha::agent::v1::OrderResult MutationError(absl::string_view doing, const absl::Status& status);
// The result of a call that changes nothing.
hamisha::agent::v1::OrderResult ReadError(absl::string_view doing, const absl::Status& status);

// "1,204".
std::string WithThousands(uint64_t number);

}  // namespace agents
