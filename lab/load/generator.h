// Seed → transactions. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "base/id128.h"
#include "lab/load/accounts.h"
#include "lab/load/random.h"
#include "lab/load/workload.h"

namespace lab {

// One transfer. Minor units.
struct Leg {
  base::Id128 id;
  base::Id128 debit;
  base::Id128 credit;
  uint64_t amount = 0;
  friend bool operator==(const Leg&, const Leg&) = default;
};

// What one user asked for: a linked chain of transfers, all on one shard.
struct Transaction {
  uint64_t number = 0;  // 1, 2, 3, … in order of arrival.
  Kind kind = Kind::kSend;
  uint32_t shard = 0;
  bool repeat = false;         // The same ids as `reference`, which was acknowledged.
  uint64_t reference = 0;      // Repeat, reversal: the number of the other transaction.
  base::Id128 reverses;        // Reversal: the first transfer of the reversed one.
  uint32_t expected_code = 0;  // TransferStatus with which it must be refused; 0: it is fine.
  base::Id128 payer;
  base::Id128 receiver;
  uint64_t amount = 0;  // What was asked for, without fees. Minor units.
  std::vector<Leg> legs;
  friend bool operator==(const Transaction&, const Transaction&) = default;
};

// A chain that moves `net` from payer to receiver and `fee` from payer to FEE and EXCISE (all of
// it to FEE when `excise_percent` is 0). Legs of 0 are left out. Ids are not set.
struct ChainParts {
  base::Id128 payer;
  base::Id128 receiver;
  base::Id128 fee_account;
  base::Id128 excise_account;
  uint64_t net = 0;
  uint64_t fee = 0;  // With excise.
  uint64_t excise_percent = 0;
};
std::vector<Leg> MakeChain(const ChainParts& parts);

// The transactions of a run. The same seed gives the same ones, and the same acknowledgements the
// same repeats and reversals. Not thread-safe.
class Generator {
 public:
  // `workload` must outlive it.
  Generator(const Workload* workload, const AccountSpace& space, uint64_t seed);

  Transaction Next();
  // Offers a transaction to later repeats and reversals.
  void Acknowledged(const Transaction& transaction);

  // The time to the next arrival, in mean spacings: 1, or exponential with mean 1.
  double Gap();

 private:
  base::Id128 Pick(uint32_t shard, AccountKind kind, Random& random) const;
  base::Id128 PickOther(uint32_t shard, AccountKind kind, const base::Id128& taken,
                        Random& random) const;
  Kind PickKind(Random& random) const;
  uint64_t PickAmount(const KindRule& rule, Random& random) const;
  void PickParties(Transaction& transaction, Random& random) const;
  void Price(Transaction& transaction, uint64_t units) const;
  void Spoil(Transaction& transaction, Random& random) const;
  bool MakeRepeat(Transaction& transaction, Random& random) const;
  bool MakeReversal(Transaction& transaction, Random& random);
  void SetIds(Transaction& transaction) const;

  const Workload* workload_;
  AccountSpace space_;
  uint64_t seed_;
  uint64_t next_number_ = 1;
  uint64_t gaps_ = 0;
  std::vector<double> hot_tills_;  // Cumulative shares, by Zipf's law.
  std::vector<double> hot_paybills_;
  std::vector<Transaction> acknowledged_;  // The latest few thousand.
  size_t oldest_ = 0;
};

}  // namespace lab
