#include "adapters/grpc/grpc_controller_link.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "adapters/grpc/controller_stream.h"
#include "adapters/grpc/grpc_channel.h"
#include "adapters/grpc/status.h"
#include "adapters/grpc/translate.h"

namespace adapters::grpc {

using domain::Duration;

class GrpcControllerLink::Link {
 public:
  explicit Link(ControllerLinkOptions options) : options_(std::move(options)) {}

  void open(Handlers handlers) {
    handlers_ = std::move(handlers);
    thread_ = std::thread([this] { run(); });
  }

  bool send(ports::FromAgent message) {
    const std::lock_guard lock(mutex_);
    return stream_ && stream_->send(std::move(message));
  }

  void close();
  base::Result<> fetch(domain::JobId job, const std::string& path,
                       const std::function<base::Result<>(std::string_view)>& sink);

 private:
  void run();
  /// Runs one stream to its end. Answers whether the controller had let us in.
  bool run_stream(const std::string& address);
  /// False when it is time to go.
  bool rest(Duration pause);

  const ControllerLinkOptions options_;
  Handlers handlers_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable closing_changed_;
  bool closing_ = false;
  bool rejected_ = false;
  std::shared_ptr<::grpc::Channel> channel_;
  std::shared_ptr<ControllerStream> stream_;  ///< Set while one is open or being opened.
  std::set<::grpc::ClientContext*> fetches_;
};

void GrpcControllerLink::Link::run() {
  Duration pause = options_.first_retry;
  for (std::size_t turn = 0; !options_.addresses.empty(); ++turn) {
    const bool was_connected = run_stream(options_.addresses[turn % options_.addresses.size()]);
    if (rejected_) return;
    if (was_connected) pause = options_.first_retry;
    if (!rest(pause)) return;
    pause = std::min(pause * 2, options_.last_retry);
  }
}

bool GrpcControllerLink::Link::rest(Duration pause) {
  std::unique_lock lock(mutex_);
  return !closing_changed_.wait_for(lock, std::chrono::milliseconds(pause.ms),
                                    [&] { return closing_; });
}

bool GrpcControllerLink::Link::run_stream(const std::string& address) {
  auto channel = make_channel({.address = address,
                               .ca_pem = options_.ca_pem,
                               .cert_pem = options_.cert_pem,
                               .key_pem = options_.key_pem,
                               .keepalive = options_.keepalive,
                               .keepalive_timeout = options_.keepalive_timeout});
  const auto stub = wire::AgentLink::NewStub(channel);
  const auto stream = std::make_shared<ControllerStream>(handlers_);
  {
    const std::lock_guard lock(mutex_);
    if (closing_) return false;
    channel_ = std::move(channel);
    stream_ = stream;
  }
  stream->begin(*stub);
  const ::grpc::Status status = stream->wait();
  {
    const std::lock_guard lock(mutex_);
    stream_.reset();
  }
  rejected_ = stream->was_rejected();
  base::Error error = to_error(status);
  if (status.ok()) error = {base::ErrorCode::unavailable, "the controller ended the connection"};
  handlers_.disconnected(std::move(error).while_doing(address));
  return stream->was_connected();
}

void GrpcControllerLink::Link::close() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    if (stream_) stream_->cancel();
    for (::grpc::ClientContext* fetch : fetches_) fetch->TryCancel();
  }
  closing_changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

base::Result<> GrpcControllerLink::Link::fetch(
    domain::JobId job, const std::string& path,
    const std::function<base::Result<>(std::string_view)>& sink) {
  ::grpc::ClientContext context;
  std::shared_ptr<::grpc::Channel> channel;
  {
    const std::lock_guard lock(mutex_);
    if (closing_ || !channel_) {
      return base::fail(base::ErrorCode::unavailable, "there is no connection to a controller");
    }
    channel = channel_;
    fetches_.insert(&context);
  }
  wire::FetchRequest request;
  request.set_job(job.value);
  request.set_path(path);
  const auto reader = wire::AgentLink::NewStub(channel)->Fetch(&context, request);
  base::Result<> taken;
  wire::FetchChunk chunk;
  while (taken && reader->Read(&chunk)) taken = sink(chunk.bytes());
  if (!taken) context.TryCancel();
  const ::grpc::Status status = reader->Finish();
  {
    const std::lock_guard lock(mutex_);
    fetches_.erase(&context);
  }
  if (!taken) return taken;
  if (!status.ok()) return std::unexpected(to_error(status));
  return {};
}

GrpcControllerLink::GrpcControllerLink(ControllerLinkOptions options)
    : link_(std::make_unique<Link>(std::move(options))) {}

GrpcControllerLink::~GrpcControllerLink() { close(); }

void GrpcControllerLink::open(Handlers handlers) { link_->open(std::move(handlers)); }

bool GrpcControllerLink::send(ports::FromAgent message) { return link_->send(std::move(message)); }

base::Result<> GrpcControllerLink::fetch(
    domain::JobId job, const std::string& path,
    const std::function<base::Result<>(std::string_view)>& sink) {
  return link_->fetch(job, path, sink);
}

void GrpcControllerLink::close() { link_->close(); }

}  // namespace adapters::grpc
