#include "lab/load/runner.h"

#include <algorithm>
#include <memory>
#include <queue>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "base/invariant.h"
#include "base/status_macros.h"
#include "lab/load/call.h"
#include "lab/load/outcome.h"
#include "lab/load/run_files.h"
#include "lab/load/run_report.h"

namespace lab {
namespace {

constexpr int64_t kSecondUs = 1'000'000;
constexpr int64_t kBackoffMaxUs = 200'000;
constexpr int64_t kWaitMinUs = 100;
constexpr int64_t kWaitMaxUs = 5'000;
constexpr int kArrivalsAtOnceMax = 1'000;
constexpr int kCallLegsMax = 2'048;

// One thread decides everything; gRPC's threads only hand answers over.
class Runner {
 public:
  Runner(Gateways& gateways, const Workload& workload, const RunOptions& options,
         const RunHooks& hooks)
      : gateways_(gateways),
        workload_(workload),
        options_(options),
        hooks_(hooks),
        generator_(&workload, AccountSpace(options.shape), options.seed),
        open_(options.shape.shards) {}

  absl::StatusOr<RunCounts> Run(base::FileSystem& files);

 private:
  int64_t NowUs() const {
    return absl::ToInt64Microseconds(gateways_.clock().MonotonicNow() - start_);
  }

  absl::Status OpenFiles(base::FileSystem& files);
  absl::Status ReadOpeningState(base::FileSystem& files);
  void ScheduleNext();
  void Arrive(int64_t now_us);
  void FlushOpen(int64_t now_us, bool all);
  void Send(std::unique_ptr<Call> call);
  void Attempt(Call* call);
  void TakeAnswers();
  void Answered(Call* call);
  void ReadResponse(Call* call);
  void GiveUp(Call* call);
  void Finish(const Scheduled& scheduled, const Answer& answer, const Call& call);
  void ResendDue(int64_t now_us);
  void ReportSecond(int64_t now_us);
  absl::Duration WaitTime(int64_t now_us) const;
  void Loop();
  void GiveUpAll();

  Gateways& gateways_;
  const Workload& workload_;
  const RunOptions& options_;
  const RunHooks& hooks_;
  Generator generator_;
  std::unique_ptr<AppendFile> outcomes_;
  std::unique_ptr<AppendFile> seconds_;
  absl::Duration start_;
  int64_t next_due_us_ = 0;
  double next_due_exact_us_ = 0;
  int64_t next_report_us_ = kSecondUs;
  bool stopping_ = false;
  bool giving_up_ = false;
  uint64_t arrivals_ = 0;
  uint64_t rows_ = 0;
  uint64_t in_flight_ = 0;                   // Transactions.
  std::vector<std::unique_ptr<Call>> open_;  // By shard: still taking transactions.
  absl::flat_hash_map<Call*, std::unique_ptr<Call>> calls_;
  std::priority_queue<Call*, std::vector<Call*>, LaterRetry> retries_;
  uint64_t attempts_under_way_ = 0;
  RunCounts second_;
  RunCounts total_;
  std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
};

absl::Status Runner::OpenFiles(base::FileSystem& files) {
  RETURN_IF_ERROR(files.CreateFolders(options_.folder));
  const auto path = [&](const char* name) { return absl::StrCat(options_.folder, "/", name); };
  ASSIGN_OR_RETURN(outcomes_, AppendFile::Create(files, path(kOutcomesFile)));
  ASSIGN_OR_RETURN(seconds_, AppendFile::Create(files, path(kSecondsFile)));
  outcomes_->buffer() += EncodeHeader({.shape = options_.shape,
                                       .seed = options_.seed,
                                       .rate = options_.rate,
                                       .started = FormatWallTime(gateways_.clock().WallNow())});
  return outcomes_->Flush();
}

// What was before the run is kept, so that a platform may have seen other loads.
absl::Status Runner::ReadOpeningState(base::FileSystem& files) {
  const AccountSpace space(options_.shape);
  ASSIGN_OR_RETURN(const auto balances, LookupBalances(gateways_, space));
  std::vector<Balance> opening;
  opening.reserve(balances.size());
  for (uint64_t ordinal = 0; ordinal < balances.size(); ++ordinal) {
    if (!balances[ordinal]) {
      return absl::FailedPreconditionError(
          absl::StrCat("account ", base::ToString(space.IdOf(ordinal)),
                       " is not there; run `hamisha-load prepare` with the same --shards, "
                       "--accounts-per-shard and --workload first"));
    }
    opening.push_back(*balances[ordinal]);
  }
  return WriteOpening(files, options_.folder, opening);
}

absl::StatusOr<RunCounts> Runner::Run(base::FileSystem& files) {
  RETURN_IF_ERROR(OpenFiles(files));
  RETURN_IF_ERROR(ReadOpeningState(files));
  start_ = gateways_.clock().MonotonicNow();
  ScheduleNext();
  Loop();
  ReportSecond(NowUs());
  AppendEnd(rows_, outcomes_->buffer());
  RETURN_IF_ERROR(outcomes_->Flush());
  RETURN_IF_ERROR(seconds_->Flush());
  return std::move(total_);
}

void Runner::ScheduleNext() {
  next_due_exact_us_ += generator_.Gap() * 1e6 / options_.rate;
  next_due_us_ = static_cast<int64_t>(next_due_exact_us_);
}

void Runner::Loop() {
  const int64_t duration_us = absl::ToInt64Microseconds(options_.duration);
  int64_t give_up_us = INT64_MAX;
  while (true) {
    TakeAnswers();
    const int64_t now_us = NowUs();
    if (!stopping_) {
      for (int i = 0; i < kArrivalsAtOnceMax && next_due_us_ <= std::min(now_us, duration_us) &&
                      arrivals_ < options_.transactions_max;
           ++i) {
        Arrive(now_us);
      }
    }
    FlushOpen(now_us, stopping_);
    ResendDue(now_us);
    if (now_us >= next_report_us_) ReportSecond(now_us);
    if (stopping_ && in_flight_ == 0) return;
    if (now_us >= give_up_us) {
      GiveUpAll();
      return;
    }
    const bool asked = hooks_.wait(WaitTime(now_us));
    const bool over = now_us >= duration_us || arrivals_ >= options_.transactions_max;
    if (!stopping_ && (asked || over)) {
      stopping_ = true;
      give_up_us = now_us + absl::ToInt64Microseconds(options_.drain);
    }
  }
}

absl::Duration Runner::WaitTime(int64_t now_us) const {
  int64_t until_us = std::min(next_report_us_, now_us + kWaitMaxUs);
  if (!stopping_) until_us = std::min(until_us, next_due_us_);
  if (!retries_.empty()) until_us = std::min(until_us, retries_.top()->retry_us);
  return absl::Microseconds(std::max(until_us - now_us, kWaitMinUs));
}

void Runner::Arrive(int64_t now_us) {
  Scheduled scheduled{.transaction = generator_.Next(), .due_us = next_due_us_};
  ++arrivals_;
  ++second_.sent;
  ScheduleNext();
  if (in_flight_ >= options_.in_flight_max) {
    Call never;
    never.answered_us = now_us;
    never.status = {grpc::StatusCode::RESOURCE_EXHAUSTED, "too many in flight"};
    never.scheduled.push_back(std::move(scheduled));
    ++in_flight_;
    GiveUp(&never);
    return;
  }
  ++in_flight_;
  std::unique_ptr<Call>& open = open_[scheduled.transaction.shard];
  if (open == nullptr) open = std::make_unique<Call>();
  AppendChain(scheduled.transaction, workload_.currency, open->request);
  open->scheduled.push_back(std::move(scheduled));
  if (options_.coalesce == absl::ZeroDuration() || open->request.transfers_size() >= kCallLegsMax) {
    Send(std::move(open));
  }
}

void Runner::FlushOpen(int64_t now_us, bool all) {
  const int64_t coalesce_us = absl::ToInt64Microseconds(options_.coalesce);
  for (std::unique_ptr<Call>& open : open_) {
    if (open == nullptr) continue;
    if (all || now_us >= open->scheduled.front().due_us + coalesce_us) Send(std::move(open));
  }
}

void Runner::Send(std::unique_ptr<Call> call) {
  Call* raw = call.get();
  raw->gateway = gateways_.NextIndex();
  calls_.emplace(raw, std::move(call));
  Attempt(raw);
}

void Runner::Attempt(Call* call) {
  call->context = std::make_unique<grpc::ClientContext>();
  gateways_.SetDeadline(*call->context, options_.call_timeout);
  call->response.Clear();
  ++call->attempts;
  ++attempts_under_way_;
  gateways_.At(call->gateway++)
      .async()
      ->CreateTransfers(call->context.get(), &call->request, &call->response,
                        [this, inbox = inbox_, call](grpc::Status status) {
                          call->status = std::move(status);
                          call->answered_us = NowUs();
                          absl::MutexLock lock(&inbox->mutex);
                          inbox->answered.push_back(call);
                        });
}

void Runner::TakeAnswers() {
  std::vector<Call*> answered;
  {
    absl::MutexLock lock(&inbox_->mutex);
    answered.swap(inbox_->answered);
  }
  for (Call* call : answered) Answered(call);
}

void Runner::Answered(Call* call) {
  --attempts_under_way_;
  if (call->status.ok()) {
    ReadResponse(call);
    calls_.erase(call);
    return;
  }
  ++call->attempts_failed;
  call->maybe_executed = call->maybe_executed || MayHaveBeenExecuted(call->status);
  if (giving_up_ || !IsWorthRetrying(call->status)) {
    GiveUp(call);
    calls_.erase(call);
    return;
  }
  call->retry_us = call->answered_us + call->backoff_us;
  call->backoff_us = std::min(call->backoff_us * 2, kBackoffMaxUs);
  retries_.push(call);
}

void Runner::ReadResponse(Call* call) {
  std::vector<uint32_t> codes(static_cast<size_t>(call->request.transfers_size()));
  for (const pb::EventResult& result : call->response.results()) {
    if (result.index() < codes.size()) codes[result.index()] = result.code();
  }
  size_t first = 0;
  for (const Scheduled& scheduled : call->scheduled) {
    const size_t legs = scheduled.transaction.legs.size();
    const Answer answer = ReadAnswer(
        scheduled.transaction, absl::MakeConstSpan(codes).subspan(first, legs), call->attempts > 1);
    first += legs;
    if (answer.outcome == Outcome::kAcknowledged) generator_.Acknowledged(scheduled.transaction);
    Finish(scheduled, answer, *call);
  }
}

// An answer other than "not executed" may be on its way for ever.
void Runner::GiveUp(Call* call) {
  const bool executed_perhaps = call->maybe_executed;
  const uint32_t code = kGrpcCodeBase + static_cast<uint32_t>(call->status.error_code());
  for (const Scheduled& scheduled : call->scheduled) {
    Finish(scheduled,
           {.outcome = executed_perhaps ? Outcome::kUnanswered : Outcome::kRefused,
            .code = code,
            .unexpected = true},
           *call);
  }
}

void Runner::Finish(const Scheduled& scheduled, const Answer& answer, const Call& call) {
  const Transaction& transaction = scheduled.transaction;
  OutcomeRow row{.number = transaction.number,
                 .scheduled_us = static_cast<uint64_t>(scheduled.due_us),
                 .latency_us = static_cast<uint64_t>(
                     std::max<int64_t>(call.answered_us - scheduled.due_us, 0)),
                 .reference = transaction.reference,
                 .shard = transaction.shard,
                 .attempts_failed = call.attempts_failed,
                 .kind = transaction.kind,
                 .repeat = transaction.repeat,
                 .planned_refusal = transaction.expected_code != 0,
                 .answer = answer,
                 .legs = {}};
  if (!transaction.repeat) row.legs = transaction.legs;
  AppendRow(row, outcomes_->buffer());
  ++rows_;
  --in_flight_;
  second_.attempts_failed += call.attempts_failed;
  if (answer.unexpected || answer.outcome == Outcome::kUnanswered) ++second_.client_errors;
  if (transaction.repeat) {
    ++second_.repeats;
  } else if (answer.outcome == Outcome::kAcknowledged) {
    ++second_.acknowledged;
    second_.latency_us.Add(row.latency_us);
  } else if (answer.outcome == Outcome::kRefused) {
    ++second_.refused;
  } else {
    ++second_.unanswered;
  }
}

void Runner::ResendDue(int64_t now_us) {
  while (!retries_.empty() && retries_.top()->retry_us <= now_us) {
    Call* call = retries_.top();
    retries_.pop();
    Attempt(call);
  }
}

void Runner::GiveUpAll() {
  giving_up_ = true;
  for (; !retries_.empty(); retries_.pop()) {
    Call* call = retries_.top();
    call->answered_us = NowUs();
    GiveUp(call);
    calls_.erase(call);
  }
  for (const auto& [call, owned] : calls_) call->context->TryCancel();
  while (attempts_under_way_ > 0) {
    hooks_.wait(absl::Milliseconds(1));
    TakeAnswers();
  }
  INVARIANT(in_flight_ == 0);
}

void Runner::ReportSecond(int64_t now_us) {
  const RunSecond second{.wall = gateways_.clock().WallNow(),
                         .second = static_cast<double>(now_us) / kSecondUs,
                         .in_flight = in_flight_,
                         .counts = &second_};
  absl::StrAppend(&seconds_->buffer(), ToJson(second).dump(), "\n");
  hooks_.report(second);
  Add(second_, total_);
  second_ = RunCounts();
  next_report_us_ = (now_us / kSecondUs + 1) * kSecondUs;
  // An error of the disk is kept by the files, and comes out at the end.
  outcomes_->Flush().IgnoreError();
  seconds_->Flush().IgnoreError();
}

}  // namespace

absl::StatusOr<RunCounts> Run(Gateways& gateways, const Workload& workload,
                              const RunOptions& options, const RunHooks& hooks,
                              base::FileSystem& files) {
  return Runner(gateways, workload, options, hooks).Run(files);
}

}  // namespace lab
