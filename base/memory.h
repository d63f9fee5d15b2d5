#pragma once

namespace base {

// From now on pieces of up to 8 MiB that this process frees are used again by it, and of those that
// wait for that up to 64 MiB are not given back to the system, for each of malloc's arenas. Memory
// that is new costs its first touch ten times what a copy into it does, and to map or unmap any
// makes threads wait that touch theirs. For a program's main(), before it starts threads.
void KeepFreedMemory();

}  // namespace base
