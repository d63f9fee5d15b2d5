#pragma once

namespace base {

// From now on the calling thread gives way to those of a lower `nice`, 0 to 19; 0 is what threads
// begin with. Threads that it starts begin with the same.
void LowerPriority(int nice);
// The same for what it reads from a disk and writes past the page cache: that waits for everybody
// else's, but not for ever. Where the disk's scheduler knows of no classes nothing changes.
void LowerDiskPriority();

}  // namespace base
