#pragma once

namespace base {

// Lets this process, and those that it starts, open as many files and connections as the system
// allows: the usual limit of 1,024 is kept low only for programs that still use select().
void RaiseOpenFilesLimit();

}  // namespace base
