#pragma once

#include "base/hash.h"

namespace base {

// 32 bytes that nobody can foretell. Any thread.
Hash256 DrawNonce();

}  // namespace base
