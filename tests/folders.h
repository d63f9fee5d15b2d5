#pragma once

#include <string>

// Where this project's sources are, and the programs of this build.
// One file is told by the compiler, and all tests by these: with the path among its macros, each
// would have to be compiled again in another checkout of the same sources.
std::string SourceFolder();
std::string ProgramFolder();
