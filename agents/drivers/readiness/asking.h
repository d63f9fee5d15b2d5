// How the readiness drivers ask: soon tired, since what does not answer is in the way, too.
#pragma once

#include "absl/strings/string_view.h"
#include "agents/drivers/readiness/obstacles.h"
#include "agents/runtime/call.h"

namespace agents {

// Again while nobody answers, for some three seconds: a program may just be starting.
template <typename Response, typename Invoke>
absl::StatusOr<Response> AskPatiently(OrderContext& order, const Invoke& invoke) {
  constexpr int kTries = 4;
  constexpr absl::Duration kPause = absl::Milliseconds(700);
  absl::StatusOr<Response> answer = absl::UnknownError("not asked");
  for (int i = 0; i < kTries; ++i) {
    answer = Call<Response>(order, OrderContext::EndsOn::kCancel, absl::Seconds(1), invoke);
    const bool may_come =
        absl::IsUnavailable(answer.status()) || absl::IsDeadlineExceeded(answer.status());
    if (answer.ok() || !may_come || i + 1 == kTries || !order.Wait(kPause)) break;
  }
  return answer;
}

// The result where the program `what` does not answer.
hamisha::agent::v1::OrderResult Silent(absl::string_view what, const absl::Status& status);

// So much may the server's clock differ from the orchestrator's, which judges it.
void SetClockLimit(absl::Duration limit, hamisha::agent::v1::OrderResult& result);

}  // namespace agents
