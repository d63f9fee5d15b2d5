#include "ledger/gateway/restriction.h"

#include <catch2/catch.hpp>

#include "ledger/core/types.h"

namespace ledger {
namespace {

pb::Restriction Classes(bool new_accounts, std::vector<uint32_t> codes) {
  pb::Restriction classes;
  classes.set_new_accounts(new_accounts);
  for (const uint32_t code : codes) classes.add_transfer_codes(code);
  return classes;
}

WriteBatch Transfers(uint32_t code, uint32_t flags) {
  pb::CreateTransfersRequest request;
  request.add_transfers()->set_code(1);
  pb::Transfer& transfer = *request.add_transfers();
  transfer.set_code(code);
  transfer.set_flags(flags);
  return request;
}

TEST_CASE("classes are closed in addition to those that are", "[gateway]") {
  pb::RestrictRequest request;
  *request.mutable_close() = Classes(false, {9, 3});
  const auto closed = Restrict(Classes(true, {7}), request);
  REQUIRE(closed.ok());
  CHECK(closed->ShortDebugString() ==
        "new_accounts: true transfer_codes: 3 transfer_codes: 7 transfer_codes: 9");
}

TEST_CASE("opening takes away just what is named, and open_all everything", "[gateway]") {
  pb::RestrictRequest request;
  *request.mutable_open() = Classes(true, {7});
  CHECK(Restrict(Classes(true, {3, 7}), request)->ShortDebugString() == "transfer_codes: 3");
  request.set_open_all(true);
  CHECK(Restrict(Classes(true, {3, 7}), request)->ShortDebugString().empty());
}

TEST_CASE("a code that no transfer can have is refused", "[gateway]") {
  pb::RestrictRequest request;
  *request.mutable_close() = Classes(false, {65'536});
  CHECK(Restrict({}, request).status().code() == absl::StatusCode::kInvalidArgument);
}

TEST_CASE("what is closed is answered retry later, all else passes", "[gateway]") {
  const pb::Restriction closed = Classes(true, {7});
  const auto [batch, passes] = GENERATE(table<WriteBatch, bool>({
      {pb::CreateAccountsRequest(), false},
      {pb::SetBalanceLimitsRequest(), true},
      {Transfers(7, 0), false},
      {Transfers(7, TransferFlags::kPending), false},
      {Transfers(7, TransferFlags::kPostPendingTransfer), true},
      {Transfers(7, TransferFlags::kVoidPendingTransfer), true},
      {Transfers(8, 0), true},
  }));
  const absl::Status status = CheckOpen(closed, batch);
  CHECK(status.ok() == passes);
  if (!passes) CHECK(status.code() == absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace ledger
