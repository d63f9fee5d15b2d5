#pragma once

namespace base {

// From now on the calling thread gives way to those of a lower `nice`, 0 to 19; 0 is what threads
// begin with. Threads that it starts begin with the same.
void LowerPriority(int nice);
// From now on the calling thread has a processor when nobody else wants it, and leaves it at once
// to who comes, where one that gives way by `nice` may stay for the rest of its time slice, which
// is milliseconds. Where all are wanted all the time it hardly goes on: 0.3 % of one.
void RunWhenIdle();
// What it reads from a disk and writes past the page cache from now on waits for everybody else's,
// but not for ever. Where the disk's scheduler knows of no classes nothing changes.
void LowerDiskPriority();

}  // namespace base
