#include "adapters/grpc/agent_stream.h"

#include <fmt/format.h>

#include <utility>

#include "adapters/grpc/translate.h"

namespace adapters::grpc {

namespace {
/// What an agent has not read yet. More than a full Wanted for the largest node.
constexpr std::size_t kMostQueuedBytes = 64 * 1024 * 1024;
}  // namespace

AgentStream* AgentStream::begin(::grpc::CallbackServerContext* context, const Handlers& handlers,
                                domain::NodeId node) {
  std::shared_ptr<AgentStream> stream(new AgentStream(context, handlers, std::move(node)));
  stream->self_ = stream;
  handlers.connected(stream);
  // Tells the agent that it was let in.
  stream->StartSendInitialMetadata();
  stream->StartRead(&stream->incoming_);
  return stream.get();
}

bool AgentStream::send(ports::ToAgent message) {
  wire::ToAgent encoded;
  encode(message, encoded);
  const std::size_t bytes = encoded.ByteSizeLong();
  const std::lock_guard lock(mutex_);
  if (ending_ || outgoing_bytes_ + bytes > kMostQueuedBytes) return false;
  outgoing_.push_back(std::move(encoded));
  outgoing_bytes_ += bytes;
  write_next();
  return true;
}

void AgentStream::close() {
  const std::lock_guard lock(mutex_);
  if (finished_) return;
  ending_ = true;
  outgoing_.resize(writing_ ? 1 : 0);
  context_->TryCancel();
}

void AgentStream::write_next() {
  if (writing_ || finished_ || outgoing_.empty()) return;
  writing_ = true;
  StartWrite(&outgoing_.front());
}

void AgentStream::OnWriteDone(bool ok) {
  const std::lock_guard lock(mutex_);
  writing_ = false;
  outgoing_bytes_ -= outgoing_.front().ByteSizeLong();
  outgoing_.pop_front();
  if (!ok) {
    ending_ = true;
    outgoing_.clear();  // Nothing is queued any more, so its size no longer matters.
  }
  write_next();
  finish_if_silent();
}

void AgentStream::OnReadDone(bool ok) {
  if (ok) return take();
  const std::lock_guard lock(mutex_);
  ending_ = true;
  if (writing_) context_->TryCancel();  // A peer that is gone must not hold a write for ever.
  outgoing_.resize(writing_ ? 1 : 0);
  finish_if_silent();
}

void AgentStream::take() {
  auto message = decode(incoming_);
  if (!message) return reject(message.error().message);
  const auto* hello = std::get_if<ports::Hello>(&*message);
  if (hello != nullptr && hello->node != node_) {
    return reject(fmt::format("the certificate is of node '{}', the greeting of node '{}'",
                              node_.value, hello->node.value));
  }
  if (hello == nullptr && !greeted_) return reject("the first message is no greeting");
  greeted_ = true;
  handlers_.message(self_, *std::move(message));
  incoming_.Clear();
  StartRead(&incoming_);
}

void AgentStream::reject(std::string reason) {
  send(ports::Rejected{std::move(reason)});
  const std::lock_guard lock(mutex_);
  ending_ = true;
  finish_if_silent();
}

void AgentStream::finish_if_silent() {
  if (!ending_ || finished_ || writing_) return;
  finished_ = true;
  Finish(::grpc::Status::OK);
}

void AgentStream::OnDone() {
  {
    const std::lock_guard lock(mutex_);
    finished_ = true;
    ending_ = true;
  }
  handlers_.disconnected(self_);
  self_.reset();  // The last line: this may be gone after it.
}

}  // namespace adapters::grpc
