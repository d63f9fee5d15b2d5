// The one place where channels and servers get their credentials, limits and keepalive.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rpc {

// Plaintext for now: only loopback addresses are accepted. Mutual TLS replaces these two.
std::shared_ptr<grpc::ServerCredentials> ServerCredentials();
std::shared_ptr<grpc::ChannelCredentials> ChannelCredentials();

inline constexpr int kMessageBytesMax = 64 << 20;

// A channel to host:port. Connects when first used, and again after a break within a second. A
// peer that has gone silent is noticed after about four seconds.
// Messages up to 64 MiB. Every channel has a connection of its own.
std::shared_ptr<grpc::Channel> Connect(const std::string& address);

// As Connect(), for much that takes long: a peer that has gone silent is given up only after half a
// minute, so that what is under way survives a link that is cut for a while. A longer message than
// `received_bytes_max` ends its call.
std::shared_ptr<grpc::Channel> ConnectForBulk(const std::string& address,
                                              int received_bytes_max = kMessageBytesMax);

struct ServerOptions {
  std::string listen = "127.0.0.1:0";    // host:port; port 0: the kernel chooses.
  std::vector<grpc::Service*> services;  // Must outlive the server.
};

struct RunningServer {
  std::unique_ptr<grpc::Server> server;
  int port = 0;
  std::string address;  // host:port with the chosen port.
};

// Starts serving, with reflection on. FAILED_PRECONDITION when the address cannot be bound.
absl::StatusOr<RunningServer> Serve(const ServerOptions& options);

// gRPC's status as ours and back; the codes are the same numbers. Details are kept in neither.
absl::Status FromGrpc(const grpc::Status& status);
grpc::Status ToGrpc(const absl::Status& status);

// A serialized message in the status details, for FAILED_PRECONDITION with NotOwner.
grpc::Status ToGrpc(const absl::Status& status, std::string details);

}  // namespace rpc
