#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "ledger/history/blocks.h"
#include "ledger/history/id_filter.h"
#include "ledger/history/radix_sort.h"
#include "tests/temporary_folder.h"

namespace ledger {
namespace {

using Blocks = std::map<std::string, std::string>;

BlockSink Into(Blocks& blocks) {
  return [&blocks](const std::string& key, absl::string_view block) {
    CHECK((blocks.empty() || blocks.rbegin()->first < key));
    blocks[key] = std::string(block);
    return absl::OkStatus();
  };
}

uint64_t AnyNumber(std::mt19937_64& random) { return random() >> (random() % 64); }

TEST_CASE("numbers come back from a few bytes", "[history]") {
  struct Row {
    uint64_t number;
    size_t bytes;
  };
  const auto row = GENERATE(values<Row>({{0, 1},
                                         {1, 2},
                                         {255, 2},
                                         {256, 2},
                                         {257, 3},
                                         {uint64_t{3} << 48, 2},
                                         {UINT64_MAX, 9},
                                         {(uint64_t{1} << 63) | 1, 9}}));
  Packer packer;
  packer.Add(row.number);
  CHECK(packer.size() == row.bytes);
  Unpacker unpacker(packer.bytes());
  CHECK(unpacker.Number() == row.number);
  CHECK(unpacker.empty());
  CHECK(unpacker.ok());
}

TEST_CASE("bytes that end too early are noticed", "[history]") {
  Packer packer;
  packer.Add(uint64_t{123'456'789});
  for (size_t bytes = 0; bytes < packer.size(); ++bytes) {
    Unpacker unpacker(packer.bytes().substr(0, bytes));
    unpacker.Number();
    CHECK_FALSE(unpacker.ok());
  }
}

TEST_CASE("transfers come back by their time", "[history]") {
  std::mt19937_64 random(1);
  std::vector<HistoryRow> rows;
  Blocks blocks;
  TransferBlocks writer(Into(blocks));
  uint64_t time_ns = 1'000;
  for (int i = 0; i < 1'000; ++i) {
    HistoryRow row;
    Transfer& transfer = row.transfer;
    transfer.timestamp_ns = time_ns += 2 + AnyNumber(random) % 1'000'000;
    transfer.id = {AnyNumber(random), AnyNumber(random)};
    transfer.debit_account_id = {AnyNumber(random), AnyNumber(random)};
    transfer.credit_account_id = {AnyNumber(random), AnyNumber(random)};
    transfer.amount = AnyNumber(random);
    transfer.ledger = static_cast<uint32_t>(random());
    transfer.code = static_cast<uint16_t>(random());
    if (i % 2 == 0) transfer.pending_id = {AnyNumber(random), AnyNumber(random)};
    if (i % 3 == 0) transfer.user_data_128 = {AnyNumber(random), AnyNumber(random)};
    if (i % 5 == 0) transfer.user_data_64 = AnyNumber(random);
    if (i % 7 == 0) transfer.user_data_32 = static_cast<uint32_t>(random());
    if (i % 11 == 0) transfer.timeout_s = static_cast<uint32_t>(random());
    if (i % 13 == 0) transfer.flags = static_cast<uint16_t>(random());
    for (int side = 0; side < i % 3; ++side) {
      row.balances.push_back({{AnyNumber(random), AnyNumber(random)},
                              time_ns,
                              AnyNumber(random),
                              AnyNumber(random),
                              AnyNumber(random),
                              AnyNumber(random)});
    }
    CHECK(writer.Add(transfer, row.balances).ok());
    rows.push_back(row);
  }
  CHECK(writer.Finish().ok());
  for (const HistoryRow& row : rows) {
    const auto block = std::prev(blocks.upper_bound(TransferKey(row.transfer.timestamp_ns)));
    int found = 0;
    CHECK(ReadTransferBlock(block->first, block->second, [&](const HistoryRow& read) {
            if (read.transfer.timestamp_ns != row.transfer.timestamp_ns) return true;
            ++found;
            CHECK(read.transfer == row.transfer);
            CHECK(read.balances == row.balances);
            return true;
          }).ok());
    CHECK(found == 1);
  }
}

TEST_CASE("all that is known of an id stands in one block", "[history]") {
  std::mt19937_64 random(2);
  std::vector<IdEntry> entries;
  for (int i = 0; i < 5'000; ++i) {
    entries.push_back({{AnyNumber(random) % 7, AnyNumber(random)},
                       static_cast<IdKind>(random() % 4),
                       5'000 + AnyNumber(random) / 4});
  }
  const auto order = [](const IdEntry& left, const IdEntry& right) {
    return left.Order() < right.Order();
  };
  std::sort(entries.begin(), entries.end(), order);
  Blocks blocks;
  IdBlocks writer(3, 5'000, Into(blocks));
  for (const IdEntry& entry : entries) CHECK(writer.Add(entry).ok());
  CHECK(writer.Finish().ok());
  CHECK(blocks.size() > 5);
  for (const IdEntry& entry : entries) {
    const auto block = std::prev(blocks.upper_bound(IdKey(3, entry.id)));
    CHECK(RunOfKey(block->first) == 3);
    std::vector<IdEntry> found;
    CHECK(ReadIdBlock(block->second, [&](const IdEntry& read) {
            if (read.id == entry.id) found.push_back(read);
            return true;
          }).ok());
    CHECK(std::find(found.begin(), found.end(), entry) != found.end());
  }
}

TEST_CASE("an account's times come back in order", "[history]") {
  std::vector<AccountEntry> entries;
  for (uint64_t account = 1; account <= 50; ++account) {
    for (uint64_t i = 0; i < account * 10; ++i) {
      entries.push_back({{account % 3, account}, 1'000 + i * 77 + account});
    }
  }
  Blocks blocks;
  AccountBlocks writer(9, 1'000, Into(blocks));
  for (const AccountEntry& entry : entries) CHECK(writer.Add(entry).ok());
  CHECK(writer.Finish().ok());
  std::vector<AccountEntry> found;
  for (const auto& [key, block] : blocks) {
    CHECK(ReadAccountBlock(block, [&](const AccountEntry& entry) {
            found.push_back(entry);
            return true;
          }).ok());
  }
  CHECK(found == entries);
}

TEST_CASE("a filter knows what it was told, and little else", "[history]") {
  std::mt19937_64 random(3);
  const TemporaryFolder folder;
  constexpr int kIds = 20'000;
  std::vector<Id128> ids;
  IdFilter built(kIds);
  for (int i = 0; i < kIds; ++i) {
    // Half count up, half are random.
    ids.push_back(i % 2 == 0 ? Id128{7, static_cast<uint64_t>(i)} : Id128{random(), random()});
    built.Add(ids.back());
  }
  CHECK(built.Save(base::SystemFileSystem(), folder.path() + "/filter").ok());
  const auto mapped = IdFilter::Map(folder.path() + "/filter");
  REQUIRE(mapped.ok());
  for (const Id128& id : ids) CHECK((*mapped)->MayContain(id));
  int wrong = 0;
  for (int i = 0; i < 2 * kIds; ++i) {
    const Id128 other = i % 2 == 0 ? Id128{8, static_cast<uint64_t>(i)} : Id128{random(), random()};
    if ((*mapped)->MayContain(other)) ++wrong;
  }
  CHECK(wrong < 2 * kIds / 200);
}

TEST_CASE("a filter that is damaged or missing is told", "[history]") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/filter";
  CHECK(absl::IsNotFound(IdFilter::Map(path).status()));
  IdFilter built(100);
  built.Add({1, 2});
  CHECK(built.Save(base::SystemFileSystem(), path).ok());
  std::string bytes = base::SystemFileSystem().Read(path).value();
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  CHECK(base::SystemFileSystem().Replace(path, bytes).ok());
  CHECK(absl::IsDataLoss(IdFilter::Map(path).status()));
}

TEST_CASE("rows are sorted by key, equal keys in the order they came", "[history]") {
  std::mt19937_64 random(4);
  std::vector<KeyedRow> rows;
  std::vector<KeyedRow> spare;
  for (uint32_t i = 0; i < 10'000; ++i) rows.push_back({AnyNumber(random) % 4'000, i});
  std::vector<KeyedRow> expected = rows;
  const auto by_key = [](const KeyedRow& left, const KeyedRow& right) {
    return left.key < right.key;
  };
  std::stable_sort(expected.begin(), expected.end(), by_key);
  RadixSort(rows, spare);
  CHECK(std::equal(rows.begin(), rows.end(), expected.begin(), expected.end(),
                   [](const KeyedRow& left, const KeyedRow& right) {
                     return left.key == right.key && left.row == right.row;
                   }));
}

}  // namespace
}  // namespace ledger
