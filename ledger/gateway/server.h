#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "hamisha/ledger/v1/gateway.pb.h"

namespace ledger {

// A running gateway: the services Ledger and Gateway on one port. Safe for any thread.
class GatewayServer {
 public:
  // Takes routes and holds from `data_dir`/routes.json, or begins on `first_site`. INVALID_ARGUMENT
  // says what is wrong with the configuration. `files` and `clock` must outlive it.
  static absl::StatusOr<std::unique_ptr<GatewayServer>> Start(
      const hamisha::ledger::v1::GatewayConfig& config, base::FileSystem& files,
      const base::Clock& clock);

  // Answers kept writes UNAVAILABLE (the same ids may be sent again) and ends all calls.
  ~GatewayServer();

  const std::string& address() const;  // host:port

 private:
  class Parts;
  explicit GatewayServer(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace ledger
