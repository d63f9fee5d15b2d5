#include "rpc/rpc.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <stdlib.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace rpc {
namespace {

constexpr int kKeepaliveMs = 2'000;         // Ping a silent peer so often,
constexpr int kKeepaliveTimeoutMs = 2'000;  // and give it up after so long.
constexpr int kKeepaliveTimeoutForBulkMs = 30'000;
constexpr int kBulkStepBytes = 1 << 20;
constexpr int kReconnectMinMs = 50;
constexpr int kReconnectMaxMs = 500;

// A channel sees that a connection was made, refused or broken only while some thread polls for it;
// when no call waits that is gRPC's own poller, which looks every 5 s unless it is told otherwise
// before gRPC begins, that is before main().
[[maybe_unused]] const int kPollerToldBeforeMain =
    ::setenv("GRPC_CLIENT_CHANNEL_BACKUP_POLL_INTERVAL_MS", "50", /*replace=*/0);

std::string HostOf(const std::string& address) { return address.substr(0, address.rfind(':')); }

std::shared_ptr<grpc::Channel> ConnectWith(const std::string& address, int keepalive_timeout_ms,
                                           int received_bytes_max,
                                           grpc::ChannelArguments arguments) {
  arguments.SetMaxReceiveMessageSize(received_bytes_max);
  arguments.SetMaxSendMessageSize(kMessageBytesMax);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, keepalive_timeout_ms);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectMinMs);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1'000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectMaxMs);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);  // Retrying is for those who know what is safe.
  return grpc::CreateCustomChannel(address, ChannelCredentials(), arguments);
}

}  // namespace

std::shared_ptr<grpc::ServerCredentials> ServerCredentials() {
  return grpc::InsecureServerCredentials();
}

std::shared_ptr<grpc::ChannelCredentials> ChannelCredentials() {
  return grpc::InsecureChannelCredentials();
}

std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  return ConnectWith(address, kKeepaliveTimeoutMs, kMessageBytesMax, {});
}

std::shared_ptr<grpc::Channel> ConnectForBulk(const std::string& address, int received_bytes_max) {
  grpc::ChannelArguments arguments;
  // Fewer and longer steps for the same bytes.
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_FRAME_SIZE, kBulkStepBytes);
  arguments.SetInt(GRPC_ARG_TCP_READ_CHUNK_SIZE, kBulkStepBytes);
  arguments.SetInt(GRPC_ARG_TCP_MIN_READ_CHUNK_SIZE, kBulkStepBytes);
  arguments.SetInt(GRPC_ARG_TCP_MAX_READ_CHUNK_SIZE, kBulkStepBytes);
  return ConnectWith(address, kKeepaliveTimeoutForBulkMs, received_bytes_max, std::move(arguments));
}

absl::StatusOr<RunningServer> Serve(const ServerOptions& options) {
  const std::string host = HostOf(options.listen);
  if (host != "localhost" && !absl::StartsWith(host, "127.") && host != "[::1]") {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot listen on ", options.listen,
                     ": without mutual TLS only loopback addresses are served; write 127.0.0.1:0"));
  }
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  RunningServer running;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(options.listen, ServerCredentials(), &running.port);
  builder.SetMaxReceiveMessageSize(kMessageBytesMax);
  builder.SetMaxSendMessageSize(kMessageBytesMax);
  // Servers do not ping: a client without a call in progress reads its connection only every five
  // seconds, and would be taken for dead. Clients notice dead servers; long streams have
  // heartbeats.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 500);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT,
                             0);  // Two programs on one port is a mistake.
  for (grpc::Service* service : options.services) builder.RegisterService(service);
  running.server = builder.BuildAndStart();
  if (running.server == nullptr || running.port == 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        "cannot listen on ", options.listen, ": the port is taken, or not this machine's"));
  }
  running.address = absl::StrCat(host, ":", running.port);
  return running;
}

absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

grpc::Status ToGrpc(const absl::Status& status) {
  return {static_cast<grpc::StatusCode>(status.code()), std::string(status.message())};
}

grpc::Status ToGrpc(const absl::Status& status, std::string details) {
  return {static_cast<grpc::StatusCode>(status.code()), std::string(status.message()),
          std::move(details)};
}

}  // namespace rpc
