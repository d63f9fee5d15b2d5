#include "ledger/gateway/shard_writer.h"

#include <grpcpp/grpcpp.h>

#include <utility>

#include "base/invariant.h"
#include "ledger/client/not_owner.h"
#include "rpc/rpc.h"

namespace ledger {
namespace {

CallEnd ToCallEnd(const grpc::Status& status, pb::CreateResponse response) {
  CallEnd end;
  if (status.ok()) {
    end.outcome = CallOutcome::kAnswered;
    end.response = std::move(response);
    return end;
  }
  end.error = rpc::FromGrpc(status);
  if (WillNeverExecute(status)) {
    end.outcome = CallOutcome::kRefused;
  } else if (CertainlyNotExecuted(status)) {
    end.outcome = CallOutcome::kNotExecuted;
    end.not_owner = NotOwnerOf(status);
  } else {
    end.outcome = CallOutcome::kMaybeExecuted;
  }
  return end;
}

}  // namespace

struct ShardWriter::NodeCall {
  CallId id = 0;
  std::shared_ptr<pb::Ledger::Stub> stub;
  std::shared_ptr<const WriteBatch> batch;
  grpc::ClientContext context;
  pb::CreateResponse response;
};

ShardWriter::ShardWriter(Lane lane, NodeStubs stubs, const base::Clock& clock, Timer& timer)
    : clock_(clock), timer_(timer), stubs_(std::move(stubs)), lane_(std::move(lane)) {
  INVARIANT(stubs_.contains(lane_.route().node_id));
}

ShardWriter::~ShardWriter() { Stop(); }

void ShardWriter::Write(WriteBatch batch, Done done) {
  Actions actions;
  {
    absl::MutexLock lock(&mutex_);
    const WriteId id = ++write_newest_;
    waiting_[id] = std::move(done);
    actions = Prepare(lane_.WriteArrived(id, std::move(batch), clock_.MonotonicNow()));
  }
  Do(actions);
}

void ShardWriter::Hold(const LaneBounds& bounds) {
  Actions actions;
  {
    absl::MutexLock lock(&mutex_);
    actions = Prepare(lane_.Hold(bounds, clock_.MonotonicNow()));
  }
  Do(actions);
}

absl::Status ShardWriter::CheckRoute(const LaneRoute& route) const {
  absl::MutexLock lock(&mutex_);
  return lane_.CheckRoute(route);
}

absl::Status ShardWriter::Route(const LaneRoute& route) {
  INVARIANT(HasNode(route.node_id));
  Actions actions;
  {
    absl::MutexLock lock(&mutex_);
    if (absl::Status status = lane_.CheckRoute(route); !status.ok()) return status;
    actions = Prepare(lane_.Route(route, clock_.MonotonicNow()));
  }
  Do(actions);
  return absl::OkStatus();
}

void ShardWriter::Release() {
  Actions actions;
  {
    absl::MutexLock lock(&mutex_);
    actions = Prepare(lane_.Release(clock_.MonotonicNow()));
  }
  Do(actions);
}

void ShardWriter::Tick() {
  Actions actions;
  {
    absl::MutexLock lock(&mutex_);
    tick_at_ = absl::InfiniteDuration();
    actions = Prepare(lane_.Tick(clock_.MonotonicNow()));
  }
  Do(actions);
}

LaneStatus ShardWriter::Status() const {
  absl::MutexLock lock(&mutex_);
  return lane_.Status(clock_.MonotonicNow());
}

std::shared_ptr<pb::Ledger::Stub> ShardWriter::StubInForce() const {
  absl::MutexLock lock(&mutex_);
  return stubs_.at(lane_.route().node_id);
}

void ShardWriter::Stop() {
  Actions actions;
  {
    absl::MutexLock lock(&mutex_);
    actions = Prepare(lane_.Stop());
  }
  Do(actions);
  absl::MutexLock lock(&mutex_);
  const auto quiet = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return calls_.empty() && ending_ == 0;
  };
  mutex_.Await(absl::Condition(&quiet));
}

ShardWriter::Actions ShardWriter::Prepare(LaneEffects effects) {
  Actions actions;
  for (LaneEffect& effect : effects) {
    std::visit([&](auto& one) ABSL_NO_THREAD_SAFETY_ANALYSIS { Add(std::move(one), &actions); },
               effect);
  }
  if (const absl::Duration tick_at = lane_.NextTick(); tick_at < tick_at_) {
    tick_at_ = actions.tick_at = tick_at;
  }
  return actions;
}

// In the list of calls before it begins: so it can be cancelled from the first moment.
void ShardWriter::Add(SendCall&& send, Actions* actions) {
  auto call = std::make_shared<NodeCall>();
  call->id = send.call;
  call->stub = stubs_.at(send.node_id);
  call->batch = std::move(send.batch);
  calls_[call->id] = call;
  actions->start.push_back(std::move(call));
}

void ShardWriter::Add(CancelCall&& cancel, Actions* actions) {
  actions->cancel.push_back(calls_.at(cancel.call));
}

void ShardWriter::Add(AnswerWrite&& answer, Actions* actions) {
  auto done = waiting_.extract(answer.write);
  INVARIANT(!done.empty());
  actions->answers.emplace_back(std::move(done.mapped()), std::move(answer.answer));
}

void ShardWriter::Do(Actions& actions) {
  for (const auto& call : actions.start) Start(call);
  for (const auto& call : actions.cancel) call->context.TryCancel();
  for (auto& [done, answer] : actions.answers) done(std::move(answer));
  if (actions.tick_at != absl::InfiniteDuration()) timer_.At(actions.tick_at, [this] { Tick(); });
}

void ShardWriter::Start(const std::shared_ptr<NodeCall>& call) {
  call->context.set_deadline(absl::ToChronoTime(clock_.WallNow() + kCallTimeout));
  const auto ended = [this, call](const grpc::Status& status) { Ended(call, status); };
  if (const auto* accounts = std::get_if<pb::CreateAccountsRequest>(call->batch.get())) {
    call->stub->async()->CreateAccounts(&call->context, accounts, &call->response, ended);
  } else if (const auto* limits = std::get_if<pb::SetBalanceLimitsRequest>(call->batch.get())) {
    call->stub->async()->SetBalanceLimits(&call->context, limits, &call->response, ended);
  } else {
    call->stub->async()->CreateTransfers(&call->context,
                                         std::get_if<pb::CreateTransfersRequest>(call->batch.get()),
                                         &call->response, ended);
  }
}

void ShardWriter::Ended(const std::shared_ptr<NodeCall>& call, const grpc::Status& status) {
  Actions actions;
  {
    absl::MutexLock lock(&mutex_);
    calls_.erase(call->id);
    ++ending_;
    actions = Prepare(lane_.CallEnded(call->id, ToCallEnd(status, std::move(call->response)),
                                      clock_.MonotonicNow()));
  }
  Do(actions);
  absl::MutexLock lock(&mutex_);
  --ending_;
}

}  // namespace ledger
