#include "tests/folders.h"

std::string SourceFolder() { return SOURCE_DIR; }

std::string ProgramFolder() { return BINARY_DIR; }
