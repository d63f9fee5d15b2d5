#include "ledger/history/packing.h"

namespace ledger {
namespace {

// Fields that most transfers leave at zero: a bit each says which are there.
enum Present : uint64_t {
  kPendingId = 1 << 0,
  kUserData128 = 1 << 1,
  kUserData64 = 1 << 2,
  kUserData32 = 1 << 3,
  kTimeout = 1 << 4,
  kFlags = 1 << 5,
};

uint64_t PresentIn(const Transfer& transfer) {
  uint64_t present = 0;
  if (!transfer.pending_id.IsZero()) present |= kPendingId;
  if (!transfer.user_data_128.IsZero()) present |= kUserData128;
  if (transfer.user_data_64 != 0) present |= kUserData64;
  if (transfer.user_data_32 != 0) present |= kUserData32;
  if (transfer.timeout_s != 0) present |= kTimeout;
  if (transfer.flags != 0) present |= kFlags;
  return present;
}

}  // namespace

void Pack(const Transfer& transfer, uint64_t before_ns, Packer& packer) {
  const uint64_t present = PresentIn(transfer);
  packer.Add(present);
  packer.Add(transfer.timestamp_ns - before_ns);
  packer.Add(transfer.id);
  packer.Add(transfer.debit_account_id);
  packer.Add(transfer.credit_account_id);
  packer.Add(transfer.amount);
  packer.Add(uint64_t{transfer.ledger} << 16 | transfer.code);
  if ((present & kPendingId) != 0) packer.Add(transfer.pending_id);
  if ((present & kUserData128) != 0) packer.Add(transfer.user_data_128);
  if ((present & kUserData64) != 0) packer.Add(transfer.user_data_64);
  if ((present & kUserData32) != 0) packer.Add(transfer.user_data_32);
  if ((present & kTimeout) != 0) packer.Add(transfer.timeout_s);
  if ((present & kFlags) != 0) packer.Add(transfer.flags);
}

Transfer UnpackTransfer(Unpacker& unpacker, uint64_t before_ns) {
  Transfer transfer;
  const uint64_t present = unpacker.Number();
  transfer.timestamp_ns = before_ns + unpacker.Number();
  transfer.id = unpacker.Id();
  transfer.debit_account_id = unpacker.Id();
  transfer.credit_account_id = unpacker.Id();
  transfer.amount = unpacker.Number();
  const uint64_t ledger_and_code = unpacker.Number();
  transfer.ledger = static_cast<uint32_t>(ledger_and_code >> 16);
  transfer.code = static_cast<uint16_t>(ledger_and_code);
  if ((present & kPendingId) != 0) transfer.pending_id = unpacker.Id();
  if ((present & kUserData128) != 0) transfer.user_data_128 = unpacker.Id();
  if ((present & kUserData64) != 0) transfer.user_data_64 = unpacker.Number();
  if ((present & kUserData32) != 0) {
    transfer.user_data_32 = static_cast<uint32_t>(unpacker.Number());
  }
  if ((present & kTimeout) != 0) transfer.timeout_s = static_cast<uint32_t>(unpacker.Number());
  if ((present & kFlags) != 0) transfer.flags = static_cast<uint16_t>(unpacker.Number());
  return transfer;
}

}  // namespace ledger
