#pragma once

#include "simulation/drivers_ledger.h"

namespace simulation {

// gateway.hold, gateway.route, gateway.release, gateway.restrict, gateway.reopen,
// probe.canary.
void ApplyHold(const Run& run);
void ProbeHold(const Run& run);
void ApplyRoute(const Run& run);
void ProbeRoute(const Run& run);
void ApplyRelease(const Run& run);  // Also the undo of a hold.
void ProbeRelease(const Run& run);
void ApplyRestrict(const Run& run);
void UndoRestrict(const Run& run);
void ProbeRestrict(const Run& run);
void ApplyReopen(const Run& run);
void ProbeReopen(const Run& run);
void ApplyCanary(const Run& run);
// gateway.readiness, ledger.readiness.
void ApplyGatewayReadiness(const Run& run);
void ApplyLedgerReadiness(const Run& run);
// host.facts, host.compare.
void ApplyHostFacts(const Run& run);
void ApplyHostCompare(const Run& run);

}  // namespace simulation
