// Which function executes which action in which mode.
#include <map>

#include "base/invariant.h"
#include "simulation/drivers_gateway.h"
#include "simulation/drivers_ledger.h"

namespace simulation {
namespace {

namespace pb = ::hamisha::agent::v1;

using Function = void (*)(const Run&);
struct Driver {
  Function apply;
  Function undo;
  Function probe;
};

void NothingToUndo(const Run& run) { run->Succeed("nothing to undo: it changed nothing"); }
void HasNoUndo(const Run& run) { run->Fail("it has no undo of its own"); }
// Of what changes nothing, or is safe to do again.
void DoAgain(const Run& run) { run->Fail("do it again: it harms nothing"); }

const std::map<std::string, Driver>& Drivers() {
  static const auto& drivers = *new std::map<std::string, Driver>{
      {"hamisha.action.v1.GatewayHold", {ApplyHold, ApplyRelease, ProbeHold}},
      {"hamisha.action.v1.GatewayReadiness", {ApplyGatewayReadiness, NothingToUndo, DoAgain}},
      {"hamisha.action.v1.GatewayRelease", {ApplyRelease, HasNoUndo, ProbeRelease}},
      {"hamisha.action.v1.GatewayReopen", {ApplyReopen, HasNoUndo, ProbeReopen}},
      {"hamisha.action.v1.GatewayRestrict", {ApplyRestrict, UndoRestrict, ProbeRestrict}},
      {"hamisha.action.v1.GatewayRoute", {ApplyRoute, HasNoUndo, ProbeRoute}},
      {"hamisha.action.v1.HostCompare", {ApplyHostCompare, NothingToUndo, DoAgain}},
      {"hamisha.action.v1.HostFacts", {ApplyHostFacts, NothingToUndo, DoAgain}},
      {"hamisha.action.v1.LedgerAwaitLag", {ApplyAwaitLag, NothingToUndo, ProbeAwaitLag}},
      {"hamisha.action.v1.LedgerAwaitPosition",
       {ApplyAwaitPosition, NothingToUndo, ProbeAwaitPosition}},
      {"hamisha.action.v1.LedgerCertify", {ApplyCertify, NothingToUndo, ApplyCertify}},
      {"hamisha.action.v1.LedgerChallenge", {ApplyChallenge, NothingToUndo, ApplyChallenge}},
      {"hamisha.action.v1.LedgerCompare", {ApplyCompare, NothingToUndo, ApplyCompare}},
      {"hamisha.action.v1.LedgerFollow", {ApplyFollow, UndoFollow, ProbeFollow}},
      {"hamisha.action.v1.LedgerOpen", {ApplyOpen, HasNoUndo, ProbeOpen}},
      {"hamisha.action.v1.LedgerReadiness", {ApplyLedgerReadiness, NothingToUndo, DoAgain}},
      {"hamisha.action.v1.LedgerRefuse", {ApplyRefuse, HasNoUndo, ProbeRefuse}},
      {"hamisha.action.v1.LedgerReplicate", {ApplyFollow, UndoFollow, ProbeFollow}},
      {"hamisha.action.v1.LedgerSeal", {ApplySeal, HasNoUndo, ProbeSeal}},
      {"hamisha.action.v1.LedgerUnseal", {ApplyUnseal, HasNoUndo, ProbeUnseal}},
      {"hamisha.action.v1.ProbeCanary", {ApplyCanary, NothingToUndo, DoAgain}},
  };
  return drivers;
}

}  // namespace

const std::set<std::string>& DriverActions() {
  static const auto& actions = *new std::set<std::string>([] {
    std::set<std::string> names;
    for (const auto& [name, driver] : Drivers()) names.insert(name);
    return names;
  }());
  return actions;
}

void RunDriver(const Run& run) {
  const std::string& url = run->order().action().type_url();
  const auto found = Drivers().find(url.substr(url.rfind('/') + 1));
  INVARIANT(found != Drivers().end());  // The executor refuses what there is no driver for.
  switch (run->order().mode()) {
    case pb::MODE_APPLY:
    case pb::MODE_BACK: return found->second.apply(run);
    case pb::MODE_UNDO: return found->second.undo(run);
    case pb::MODE_PROBE: return found->second.probe(run);
    case pb::MODE_CHECK:
    case pb::MODE_UNSPECIFIED:
    case pb::Mode_INT_MIN_SENTINEL_DO_NOT_USE_:
    case pb::Mode_INT_MAX_SENTINEL_DO_NOT_USE_: break;
  }
  run->Fail("no such mode here");
}

}  // namespace simulation
