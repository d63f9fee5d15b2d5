// What the answer to a repeated request means.
#pragma once

#include "hamisha/ledger/v1/ledger.pb.h"

namespace ledger {

namespace pb = ::hamisha::ledger::v1;

// Takes out of `response` what only says that an earlier try of the same `request` had succeeded:
// a single event answered `exists`, and a linked chain whose first event is answered `exists` and
// all others `linked_event_failed`. Only for requests that were sent before with the same content
// and whose outcome then was not learnt: for others `exists` is the client's to interpret.
void ForgiveRepeats(const pb::CreateAccountsRequest& request, pb::CreateResponse* response);
void ForgiveRepeats(const pb::CreateTransfersRequest& request, pb::CreateResponse* response);
// A limit is set again: nothing to forgive.
void ForgiveRepeats(const pb::SetBalanceLimitsRequest& request, pb::CreateResponse* response);

}  // namespace ledger
