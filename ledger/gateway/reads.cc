#include "ledger/gateway/reads.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "ledger/client/convert.h"
#include "ledger/core/types.h"
#include "rpc/rpc.h"

namespace ledger {
namespace {

constexpr absl::Duration kPause = absl::Milliseconds(50);  // Between tries.
constexpr absl::Duration kReadTimeoutMax = absl::Seconds(10);

using Ended = std::function<void(grpc::Status)>;

void Call(pb::Ledger::Stub& stub, grpc::ClientContext* context, const pb::LookupRequest* request,
          pb::AccountsResponse* response, Ended ended) {
  stub.async()->LookupAccounts(context, request, response, std::move(ended));
}
void Call(pb::Ledger::Stub& stub, grpc::ClientContext* context, const pb::LookupRequest* request,
          pb::TransfersResponse* response, Ended ended) {
  stub.async()->LookupTransfers(context, request, response, std::move(ended));
}
void Call(pb::Ledger::Stub& stub, grpc::ClientContext* context, const pb::AccountFilter* request,
          pb::TransfersResponse* response, Ended ended) {
  stub.async()->GetAccountTransfers(context, request, response, std::move(ended));
}

void Call(pb::Ledger::Stub& stub, grpc::ClientContext* context, const pb::AccountFilter* request,
          pb::BalancesResponse* response, Ended ended) {
  stub.async()->GetAccountBalances(context, request, response, std::move(ended));
}

// Whether the same read may succeed later, or on another route.
bool IsPassing(const grpc::Status& status) {
  constexpr std::array kPassing = {grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::CANCELLED,
                                   grpc::StatusCode::DEADLINE_EXCEEDED,
                                   grpc::StatusCode::RESOURCE_EXHAUSTED,
                                   grpc::StatusCode::FAILED_PRECONDITION};
  return std::find(kPassing.begin(), kPassing.end(), status.error_code()) != kPassing.end();
}

auto* MutableObjects(pb::AccountsResponse* response) { return response->mutable_accounts(); }
auto* MutableObjects(pb::TransfersResponse* response) { return response->mutable_transfers(); }

// The objects of all answers in the order in which `order` asks for them.
template <typename Response>
Response InOrder(const pb::LookupRequest& order, std::vector<Response> answers) {
  if (answers.size() == 1) return std::move(answers.front());
  absl::flat_hash_map<Id128, std::vector<const void*>> found;
  using Object = std::decay_t<decltype(*MutableObjects(&answers.front())->begin())>;
  for (Response& answer : answers) {
    absl::flat_hash_map<Id128, bool> seen;  // An id asked for twice is answered twice by its shard.
    for (const Object& object : *MutableObjects(&answer)) {
      const Id128 id = FromProto(object.id());
      if (seen.emplace(id, true).second) found[id].push_back(&object);
    }
  }
  Response all;
  for (const pb::Id& id : order.ids()) {
    const auto objects = found.find(FromProto(id));
    if (objects == found.end()) continue;
    for (const void* object : objects->second) {
      *MutableObjects(&all)->Add() = *static_cast<const Object*>(object);
    }
  }
  return all;
}

// Waits for the answers of several shards.
template <typename Response>
class Gather {
 public:
  Gather(const pb::LookupRequest& order, size_t missing, Reads::Done<Response> done)
      : missing_(missing), done_(std::move(done)) {
    if (missing > 1) order_ = order;
  }

  void Add(absl::StatusOr<Response> answer) {
    if (!IsLast(std::move(answer))) return;
    if (!error_.ok()) return done_(error_);
    done_(InOrder(order_, std::move(answers_)));
  }

 private:
  bool IsLast(absl::StatusOr<Response> answer) {
    absl::MutexLock lock(&mutex_);
    error_.Update(answer.status());
    if (answer.ok()) answers_.push_back(*std::move(answer));
    return --missing_ == 0;
  }

  absl::Mutex mutex_;  // Of what follows, until all answers are there.
  pb::LookupRequest order_;
  size_t missing_;
  std::vector<Response> answers_;
  absl::Status error_;
  const Reads::Done<Response> done_;
};

}  // namespace

class Reads::Operation {
 public:
  virtual ~Operation() = default;
  virtual void Cancel() = 0;
};

// One read of one shard, with its tries. Keeps itself alive until it has answered.
template <typename Request, typename Response>
class Reads::OperationOf final
    : public Operation,
      public std::enable_shared_from_this<OperationOf<Request, Response>> {
 public:
  OperationOf(Reads& reads, const ShardWriter& shard, Request request, Done<Response> done)
      : reads_(reads), shard_(shard), request_(std::move(request)), done_(std::move(done)) {}

  void Begin(absl::Time deadline) {
    deadline_ = std::min(deadline, reads_.clock_.WallNow() + kReadTimeoutMax);
    if (reads_.Begin(this->shared_from_this())) {
      Try();
    } else {
      done_(absl::UnavailableError("the gateway is being stopped; read again from another"));
    }
  }

  void Cancel() override {
    absl::MutexLock lock(&mutex_);
    if (context_ != nullptr) context_->TryCancel();
  }

 private:
  void Try() {
    auto context = std::make_shared<grpc::ClientContext>();
    context->set_deadline(
        absl::ToChronoTime(std::min(deadline_, reads_.clock_.WallNow() + kCallTimeout)));
    {
      absl::MutexLock lock(&mutex_);
      context_ = context;
    }
    if (reads_.Stopping()) context->TryCancel();
    response_.Clear();
    stub_ = shard_.StubInForce();
    Call(*stub_, context.get(), &request_, &response_,
         [self = this->shared_from_this(), context](const grpc::Status& status) {
           self->TryEnded(status);
         });
  }

  void TryEnded(const grpc::Status& status) {
    const bool again =
        IsPassing(status) && !reads_.Stopping() && reads_.clock_.WallNow() + kPause < deadline_;
    if (again) {
      reads_.timer_.At(reads_.clock_.MonotonicNow() + kPause,
                       [self = this->shared_from_this()] { self->Try(); });
      return;
    }
    if (status.ok()) {
      done_(std::move(response_));
    } else {
      done_(rpc::FromGrpc(status));
    }
    reads_.End(this->shared_from_this());
  }

  Reads& reads_;
  const ShardWriter& shard_;
  const Request request_;
  const Done<Response> done_;
  absl::Time deadline_;
  Response response_;
  std::shared_ptr<pb::Ledger::Stub> stub_;
  absl::Mutex mutex_;
  std::shared_ptr<grpc::ClientContext> context_ ABSL_GUARDED_BY(mutex_);
};

Reads::Reads(const ShardWriters& shards, const base::Clock& clock, Timer& timer)
    : shards_(shards), clock_(clock), timer_(timer) {}

Reads::~Reads() {
  Stop();
  absl::MutexLock lock(&mutex_);
  const auto quiet = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return active_.empty(); };
  mutex_.Await(absl::Condition(&quiet));
}

void Reads::LookupAccounts(const pb::LookupRequest& request, absl::Time deadline,
                           Done<pb::AccountsResponse> done) {
  std::map<uint32_t, pb::LookupRequest> requests;
  for (const pb::Id& id : request.ids()) {
    const uint32_t shard = ShardOfAccount(FromProto(id));
    if (shards_.contains(shard)) *requests[shard].add_ids() = id;
  }
  AskMany(requests, request, deadline, std::move(done));
}

void Reads::LookupTransfers(const pb::LookupRequest& request, absl::Time deadline,
                            Done<pb::TransfersResponse> done) {
  std::map<uint32_t, pb::LookupRequest> requests;
  for (const auto& [shard, writer] : shards_) requests[shard] = request;
  AskMany(requests, request, deadline, std::move(done));
}

void Reads::GetAccountTransfers(const pb::AccountFilter& request, absl::Time deadline,
                                Done<pb::TransfersResponse> done) {
  AskOne(request, deadline, std::move(done));
}

void Reads::GetAccountBalances(const pb::AccountFilter& request, absl::Time deadline,
                               Done<pb::BalancesResponse> done) {
  AskOne(request, deadline, std::move(done));
}

template <typename Response>
void Reads::AskOne(const pb::AccountFilter& request, absl::Time deadline, Done<Response> done) {
  const auto shard = shards_.find(ShardOfAccount(FromProto(request.account_id())));
  if (shard == shards_.end()) return done(Response());
  Ask(*shard->second, request, deadline, std::move(done));
}

template <typename Request, typename Response>
void Reads::Ask(const ShardWriter& shard, Request request, absl::Time deadline,
                Done<Response> done) {
  std::make_shared<OperationOf<Request, Response>>(*this, shard, std::move(request),
                                                   std::move(done))
      ->Begin(deadline);
}

template <typename Response>
void Reads::AskMany(const std::map<uint32_t, pb::LookupRequest>& requests,
                    const pb::LookupRequest& order, absl::Time deadline, Done<Response> done) {
  if (requests.empty()) return done(Response());
  const auto gather = std::make_shared<Gather<Response>>(order, requests.size(), std::move(done));
  for (const auto& [shard, request] : requests) {
    Ask<pb::LookupRequest, Response>(
        *shards_.at(shard), request, deadline,
        [gather](absl::StatusOr<Response> answer) { gather->Add(std::move(answer)); });
  }
}

bool Reads::Begin(const std::shared_ptr<Operation>& operation) {
  absl::MutexLock lock(&mutex_);
  if (stopping_) return false;
  active_.insert(operation);
  return true;
}

void Reads::End(const std::shared_ptr<Operation>& operation) {
  absl::MutexLock lock(&mutex_);
  active_.erase(operation);
}

bool Reads::Stopping() const {
  absl::MutexLock lock(&mutex_);
  return stopping_;
}

void Reads::Stop() {
  std::vector<std::shared_ptr<Operation>> active;
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    active.assign(active_.begin(), active_.end());
  }
  for (const auto& operation : active) operation->Cancel();
}

}  // namespace ledger
