#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace lab {

// A loopback port that the kernel chose and gives to nobody else while this lives: bound, but not
// listening. A server that is told the port (and sets SO_REUSEADDR, as gRPC does) can listen on it,
// end, and listen on it again, so that configurations are written before anything runs and a
// restarted process keeps its address.
class ReservedPort {
 public:
  static absl::StatusOr<ReservedPort> Reserve();
  ~ReservedPort();
  ReservedPort(ReservedPort&& other) noexcept;
  ReservedPort& operator=(ReservedPort&& other) noexcept;

  const std::string& address() const { return address_; }  // 127.0.0.1:port

 private:
  ReservedPort(int descriptor, std::string address);

  int descriptor_;
  std::string address_;
};

}  // namespace lab
