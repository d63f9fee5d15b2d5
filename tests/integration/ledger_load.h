// A client that keeps a ledger busy, remembers what it was told, and knows after any crash of the
// node what must be there.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hamisha/ledger/v1/ledger.grpc.pb.h"
#include "lab/load/random.h"
#include "ledger/core/types.h"

namespace load {

namespace pb = ::hamisha::ledger::v1;

inline constexpr uint32_t kShard = 3;

struct Counts {
  uint64_t batches = 0;  // Acknowledged.
  uint64_t accounts = 0;
  uint64_t transfers = 0;
  uint64_t refused = 0;   // Transfers, in acknowledged batches.
  uint64_t repeats = 0;   // Of ids that were acknowledged before.
  uint64_t resent = 0;    // Batches that had got no answer,
  uint64_t happened = 0;  // and turned out to have happened.

  Counts& operator+=(const Counts& other);
};

// What a client sends at once: accounts or transfers.
struct Batch {
  std::vector<ledger::Account> accounts;
  std::vector<ledger::Transfer> transfers;
  // By transfer: the code that it must be answered; kAny for a new one.
  std::vector<uint32_t> codes;
  static constexpr uint32_t kAny = ~uint32_t{0};
  bool is_resent = false;
};

// Draws batches of all kinds from a seed. Transfers use the client's accounts and the first ones of
// others.
class Generator {
 public:
  Generator(uint64_t seed, uint32_t client, uint32_t clients);

  Batch Next();
  // What the next batches may refer to.
  void Made(const ledger::Account& account);
  void Made(const ledger::Transfer& transfer);
  void Burnt(const ledger::Transfer& transfer);

 private:
  void AddAccounts(Batch& batch);
  void AddTransfers(Batch& batch, size_t count);
  void AddChain(Batch& batch);
  void AddRepeat(Batch& batch);
  ledger::Transfer Plain();
  ledger::Transfer Pending();
  ledger::Transfer PostOrVoid();
  ledger::Id128 SomeAccount();
  // Keeps the newest few.
  void Keep(std::vector<ledger::Transfer>& kept, const ledger::Transfer& transfer);

  lab::Random random_;
  const uint32_t client_;
  const uint32_t clients_;
  uint64_t accounts_drawn_ = 0;
  std::vector<ledger::Id128> accounts_;
  std::vector<ledger::Transfer> plain_;
  std::vector<ledger::Transfer> pendings_;
  std::vector<ledger::Transfer> burnt_;
};

// One thread at a time.
class Client {
 public:
  Client(uint64_t seed, uint32_t number, uint32_t clients);

  // Sends what got no answer again, then new batches until one gets no answer. `answered` is
  // called after each.
  void Run(pb::Ledger::Stub& ledger, const std::function<void()>& answered);
  // Sends what got no answer again, and nothing else.
  void Finish(pb::Ledger::Stub& ledger);
  // All that was acknowledged is there with its content, and nothing that was refused.
  void Check(pb::Ledger::Stub& ledger);

  const Counts& counts() const { return counts_; }
  // What must not have happened, in words.
  const std::vector<std::string>& complaints() const { return complaints_; }

 private:
  bool SendUnanswered(pb::Ledger::Stub& ledger);
  void Learn(const pb::CreateResponse& response);
  // Whether some of the batch had happened before.
  bool LearnAccounts(const std::vector<uint32_t>& codes, uint64_t first_ns);
  bool LearnTransfers(const std::vector<uint32_t>& codes, uint64_t first_ns);
  void Note(const ledger::Transfer& transfer, uint32_t code, uint64_t timestamp_ns);
  void CheckAccounts(pb::Ledger::Stub& ledger, size_t first, size_t count);
  void CheckTransfers(pb::Ledger::Stub& ledger, size_t first, size_t count);
  void CheckRefused(pb::Ledger::Stub& ledger, size_t first, size_t count);
  void Complain(std::string what);

  Generator generator_;
  std::optional<Batch> unanswered_;
  // Acknowledged. A time of 0 is not known yet: of what happened without an answer.
  std::vector<ledger::Account> accounts_;
  std::vector<ledger::Transfer> transfers_;
  std::vector<ledger::Id128> refused_;
  Counts counts_;
  std::vector<std::string> complaints_;
};

}  // namespace load
