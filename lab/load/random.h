#pragma once

#include <cstdint>

namespace lab {

// SplitMix64's mixing step: a bijection that spreads every bit.
constexpr uint64_t Mix(uint64_t value) {
  value += 0x9E37'79B9'7F4A'7C15;
  value = (value ^ (value >> 30)) * 0xBF58'476D'1CE4'E5B9;
  value = (value ^ (value >> 27)) * 0x94D0'49BB'1331'11EB;
  return value ^ (value >> 31);
}

__extension__ using Wide = unsigned __int128;

// A small generator that gives the same numbers everywhere (the distributions of <random> do not).
class Random {
 public:
  // Stream `number` of `seed`: what is drawn for one transaction does not move another's.
  Random(uint64_t seed, uint64_t number) : state_(Mix(seed ^ Mix(number))) {}

  uint64_t Next() { return Mix(state_++); }
  // 0 to bound - 1; the bias is below bound / 2^64.
  uint64_t Below(uint64_t bound) {
    return static_cast<uint64_t>((static_cast<Wide>(Next()) * bound) >> 64);
  }
  // 0 up to but without 1.
  double Unit() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

 private:
  uint64_t state_;
};

}  // namespace lab
