#pragma once

namespace base {

// From now on this process does not look for cycles at each lock of an absl::Mutex, gRPC's
// included. Debian builds absl so that it does, under one lock for the whole process: a thread of
// low priority that loses its processor while it holds that one stops all the others. For the
// main() of a program that serves; tests go on looking.
void DoNotLookForDeadlocks();

}  // namespace base
