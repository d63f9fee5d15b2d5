#include "base/random.h"

#include <openssl/rand.h>

#include "base/invariant.h"

namespace base {

Hash256 DrawNonce() {
  Hash256 nonce{};
  INVARIANT(RAND_bytes(nonce.data(), static_cast<int>(nonce.size())) == 1);
  return nonce;
}

}  // namespace base
