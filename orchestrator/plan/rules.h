// What must hold of a playbook as a whole.
#pragma once

#include <cstdint>
#include <vector>

#include "orchestrator/plan/step_names.h"
#include "orchestrator/playbook/inventory.h"
#include "orchestrator/playbook/playbook.h"

namespace orchestrator {

// How many hosts begin together, wave after wave: they add up to `hosts`. Parts are rounded down, a
// wave has at least one, and the last size is repeated. Empty: all at once.
std::vector<uint32_t> WavesOf(const std::vector<WaveSize>& serial, uint32_t hosts);

// Everything before a point of no return has ended when it begins; nothing promises to go back from
// there on.
void CheckNoReturn(const std::vector<const PlaybookStep*>& steps, const EndedBefore& ended,
                   Problems& problems);

// Phases before the window come first, and there is a window.
void CheckWindow(const Playbook& playbook, Problems& problems);

// The variables that an include gives are used by its file.
void CheckGiven(const Playbook& playbook, Problems& problems);

// Gates can be opened by the inventory's people without the author, and a point of no return by two
// of them.
void CheckPeople(const Playbook& playbook, const Inventory& inventory,
                 const std::vector<const PlaybookStep*>& steps, Problems& problems);

}  // namespace orchestrator
