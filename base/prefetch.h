#pragma once

namespace base {

// Asks for the memory at `address` to be in the processor's cache soon. May be any address.
inline void Prefetch(const void* address) {
  __builtin_prefetch(address);
  // Without this g++ 12 takes a function that does nothing else for one without effect, and drops
  // the calls of it.
  asm volatile("" : : "r"(address));
}

}  // namespace base
