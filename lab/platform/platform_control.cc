// What can be done to a platform that is up.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "hamisha/ledger/v1/node.grpc.pb.h"
#include "lab/platform/platform.h"
#include "rpc/rpc.h"

namespace lab {

const Platform::Service* Platform::FindService(const std::string& name) const {
  for (const Service& service : services_) {
    if (service.name == name) return &service;
  }
  return nullptr;
}

absl::Status Platform::Kill(const std::string& process) {
  if (FindService(process) == nullptr) {
    return absl::NotFoundError(absl::StrCat("no process '", process, "' in this lab: name one of ",
                                            absl::StrJoin(ProcessNames(options_.lab), ", ")));
  }
  return supervisor_->Kill(process);
}

absl::Status Platform::Start(const std::string& process) {
  const Service* const service = FindService(process);
  if (service == nullptr) {
    return absl::NotFoundError(absl::StrCat("no process '", process, "' in this lab: name one of ",
                                            absl::StrJoin(ProcessNames(options_.lab), ", ")));
  }
  return Launch(*service);
}

absl::Status Platform::Flip(const FlipStateBit& flip) {
  const auto node = ports_.find(NodeName(flip.site, flip.shard));
  if (node == ports_.end()) {
    return absl::NotFoundError(absl::StrCat("no node of shard ", flip.shard, " on site '",
                                            flip.site, "': sites are source and target"));
  }
  const auto stub = hamisha::ledger::v1::Faults::NewStub(rpc::Connect(node->second.address()));
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(clock_.WallNow() + absl::Seconds(2)));
  hamisha::ledger::v1::FlipStateBitResponse response;
  return rpc::FromGrpc(stub->FlipStateBit(&context, {}, &response));
}

hamisha::lab::v1::LabView Platform::View() const {
  hamisha::lab::v1::LabView view;
  for (const Service& service : services_) {
    hamisha::lab::v1::ProcessView& process = *view.add_processes();
    process.set_name(service.name);
    process.set_pid(supervisor_->PidOf(service.name));
    process.set_address(service.address);
    const absl::MutexLock lock(&mutex_);
    if (const auto end = ends_.find(service.name); end != ends_.end()) {
      process.set_ended(end->second);
    }
  }
  view.set_link_cut(relay_->cut());
  view.set_directory(options_.directory);
  view.set_inventory(inventory_path());
  view.set_orchestrator(orchestrator());
  for (const std::string& gateway : gateways()) view.add_gateways(gateway);
  return view;
}

std::vector<std::string> Platform::gateways() const {
  std::vector<std::string> addresses;
  for (const Host& host : hosts_) {
    if (host.gateway) addresses.push_back(ports_.at(host.name).address());
  }
  return addresses;
}

std::vector<NodeAddress> Platform::nodes() const {
  std::vector<NodeAddress> nodes;
  for (const Host& host : hosts_) {
    if (host.gateway) continue;
    nodes.push_back({.shard = host.shard,
                     .site = host.site,
                     .node_id = host.name,
                     .address = ports_.at(host.name).address()});
  }
  return nodes;
}

std::vector<std::string> Platform::unexpected_ends() const {
  const absl::MutexLock lock(&mutex_);
  return ends_ever_;
}

}  // namespace lab
