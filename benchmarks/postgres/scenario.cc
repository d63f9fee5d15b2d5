#include "benchmarks/postgres/scenario.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "benchmarks/common/figures.h"
#include "benchmarks/postgres/database.h"
#include "benchmarks/postgres/schema.h"
#include "lab/load/random.h"

namespace benchmarks {
namespace {

constexpr uint64_t kAmount = 100;
constexpr uint64_t kHistoryRows = 2'000;
// In batches, some accounts have a long history, spread over all of the run.
constexpr uint64_t kBusyAccounts = 8;
constexpr uint64_t kBusyEvery = 16;

std::string AccountId(uint64_t number) { return BinaryId(0, number); }

std::string TransferId(const Load& load, uint64_t number) {
  return load.random_ids ? BinaryId(lab::Mix(number), number) : BinaryId(1, number);
}

// What all connections of a scenario share.
struct Shared {
  const Scenario& scenario;
  const Load& load;
  const std::atomic<bool>& stop;
  std::atomic<double> end = 0;
  std::atomic<uint64_t> next = 0;

  std::mutex mutex = {};
  Outcome outcome = {};
  absl::Status status = absl::OkStatus();
};

// One connection, on a thread of its own.
class Client {
 public:
  Client(Shared& shared, Database database, uint64_t seed)
      : shared_(shared), database_(std::move(database)), random_(seed, 0) {}

  absl::Status Prepare() {
    RETURN_IF_ERROR(
        database_.Execute(absl::StrCat("SET commit_delay = ", shared_.scenario.commit_delay_us)));
    return database_.Prepare("transfers", shared_.scenario.batch == 1
                                              ? "SELECT create_transfer($1, $2, $3, $4)"
                                              : "SELECT create_transfers($1, $2, $3, $4)");
  }

  void Run() {
    while (!shared_.stop && SecondsNow() < shared_.end) {
      const uint64_t first = shared_.next.fetch_add(shared_.scenario.batch);
      if (first >= shared_.load.transfers) break;
      const uint64_t count = std::min(shared_.scenario.batch, shared_.load.transfers - first);
      const double start = SecondsNow();
      const auto answer = shared_.scenario.batch == 1 ? Single(first) : Batch(first, count);
      latency_us_.Add(static_cast<uint64_t>((SecondsNow() - start) * 1e6));
      if (!answer.ok() || answer->first != count) return Fail(answer.status());
      created_ += count;
    }
    const std::lock_guard lock(shared_.mutex);
    shared_.outcome.transfers += created_;
    shared_.outcome.latency_us.Merge(latency_us_);
  }

 private:
  absl::StatusOr<Database::Answer> Single(uint64_t number) {
    const auto [debit, credit] = Accounts(number);
    return database_.Run("transfers",
                         {TransferId(shared_.load, number), debit, credit, BinaryInt(kAmount)});
  }

  absl::StatusOr<Database::Answer> Batch(uint64_t first, uint64_t count) {
    for (BinaryArray* array : {&ids_, &debits_, &credits_, &amounts_}) array->Begin(count);
    const std::string amount = BinaryInt(kAmount);
    for (uint64_t number = first; number < first + count; ++number) {
      const auto [debit, credit] = Accounts(number);
      ids_.Add(TransferId(shared_.load, number));
      debits_.Add(debit);
      credits_.Add(credit);
      amounts_.Add(amount);
    }
    return database_.Run("transfers",
                         {ids_.bytes(), debits_.bytes(), credits_.bytes(), amounts_.bytes()});
  }

  std::pair<std::string, std::string> Accounts(uint64_t number) {
    uint64_t debit = 1 + random_.Below(shared_.load.accounts);
    // Single transfers of a busy account would wait for each other's sync.
    if (shared_.scenario.batch > 1 && number % kBusyEvery == 0) {
      debit = 1 + number / kBusyEvery % kBusyAccounts;
    }
    return {AccountId(debit), AccountId(1 + debit % shared_.load.accounts)};
  }

  void Fail(const absl::Status& status) {
    const std::lock_guard lock(shared_.mutex);
    shared_.status.Update(status.ok() ? absl::InternalError("PostgreSQL left out a transfer")
                                      : status);
    shared_.end = 0;
  }

  Shared& shared_;
  Database database_;
  lab::Random random_;
  BinaryArray ids_{BinaryArray::Of::kId};
  BinaryArray debits_{BinaryArray::Of::kId};
  BinaryArray credits_{BinaryArray::Of::kId};
  BinaryArray amounts_{BinaryArray::Of::kInt};
  uint64_t created_ = 0;
  lab::Histogram latency_us_;
};

absl::StatusOr<double> Number(Database& database, const std::string& sql) {
  ASSIGN_OR_RETURN(const std::string text, database.Value(sql));
  double number = 0;
  if (!absl::SimpleAtod(text, &number)) return absl::InternalError("not a number: " + text);
  return number;
}

absl::Status CreateTables(Database& database, const Load& load) {
  RETURN_IF_ERROR(database.Execute(SchemaSql()));
  if (!load.foreign_keys) {
    RETURN_IF_ERROR(
        database.Execute("ALTER TABLE transfers DROP CONSTRAINT transfers_debit_account_id_fkey, "
                         "DROP CONSTRAINT transfers_credit_account_id_fkey"));
  }
  RETURN_IF_ERROR(
      database.Execute(absl::StrCat("INSERT INTO accounts (id, ledger, code, timestamp_ns) "
                                    "SELECT lpad(to_hex(number), 32, '0')::uuid, 1, 1, now_ns() "
                                    "FROM generate_series(1, ",
                                    load.accounts, ") AS number")));
  for (const char* sql : {"VACUUM ANALYZE accounts", "CHECKPOINT"}) {
    RETURN_IF_ERROR(database.Execute(sql));
  }
  return absl::OkStatus();
}

absl::Status RunClients(const std::string& socket_folder, Shared& shared) {
  std::vector<std::unique_ptr<Client>> clients;
  for (uint64_t i = 0; i < shared.scenario.connections; ++i) {
    ASSIGN_OR_RETURN(Database database, Database::Connect(socket_folder));
    clients.push_back(std::make_unique<Client>(shared, std::move(database), i));
    RETURN_IF_ERROR(clients.back()->Prepare());
  }
  const double start = SecondsNow();
  shared.end = start + shared.load.seconds;
  std::vector<std::thread> threads;
  threads.reserve(clients.size());
  for (const auto& client : clients) threads.emplace_back([&client] { client->Run(); });
  for (std::thread& thread : threads) thread.join();
  shared.outcome.seconds = SecondsNow() - start;
  if (shared.stop) return absl::CancelledError("interrupted");
  return shared.status;
}

// An account's oldest transfers on either side, in order of time: one index gives each side.
absl::Status ReadHistory(Database& database, Outcome& outcome) {
  RETURN_IF_ERROR(database.Prepare("history", R"sql(
    (SELECT * FROM transfers WHERE debit_account_id = $1 ORDER BY timestamp_ns LIMIT 2000)
    UNION ALL
    (SELECT * FROM transfers WHERE credit_account_id = $1 ORDER BY timestamp_ns LIMIT 2000)
    ORDER BY timestamp_ns LIMIT 2000)sql"));
  std::vector<double> times_ms;
  for (uint64_t account = 1; account <= kBusyAccounts; ++account) {
    const std::string id = AccountId(account);
    const double start = SecondsNow();
    ASSIGN_OR_RETURN(const Database::Answer answer, database.Run("history", {id}));
    times_ms.push_back((SecondsNow() - start) * 1e3);
    outcome.history_rows = answer.rows;
  }
  std::sort(times_ms.begin(), times_ms.end());
  if (outcome.history_rows == kHistoryRows) outcome.history_ms = times_ms[times_ms.size() / 2];
  return absl::OkStatus();
}

absl::Status Inspect(Database& database, Outcome& outcome) {
  const auto transfers = static_cast<double>(outcome.transfers);
  const std::string moved = absl::StrCat(outcome.transfers * kAmount);
  ASSIGN_OR_RETURN(
      const std::string balanced,
      database.Value(absl::StrCat("SELECT sum(debits_posted) = ", moved,
                                  " AND sum(credits_posted) = ", moved, " FROM accounts")));
  ASSIGN_OR_RETURN(const double rows, Number(database, "SELECT count(*) FROM transfers"));
  outcome.balanced = balanced == "t" && rows == transfers;
  ASSIGN_OR_RETURN(const double bytes,
                   Number(database, "SELECT pg_total_relation_size('transfers')"));
  outcome.disk_bytes_per_transfer = bytes / transfers;
  return ReadHistory(database, outcome);
}

}  // namespace

absl::StatusOr<Outcome> RunScenario(const std::string& socket_folder, const Scenario& scenario,
                                    const Load& load, const std::atomic<bool>& stop) {
  if (stop) return absl::CancelledError("interrupted");
  ASSIGN_OR_RETURN(Database database, Database::Connect(socket_folder));
  RETURN_IF_ERROR(CreateTables(database, load));
  constexpr char kLogPosition[] = "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn";
  ASSIGN_OR_RETURN(const double log_before, Number(database, kLogPosition));
  Shared shared{.scenario = scenario, .load = load, .stop = stop};
  RETURN_IF_ERROR(RunClients(socket_folder, shared));
  ASSIGN_OR_RETURN(const double log_after, Number(database, kLogPosition));
  if (shared.outcome.transfers == 0) return absl::InternalError("no transfer was made");
  shared.outcome.log_bytes_per_transfer =
      (log_after - log_before) / static_cast<double>(shared.outcome.transfers);
  RETURN_IF_ERROR(Inspect(database, shared.outcome));
  return shared.outcome;
}

}  // namespace benchmarks
