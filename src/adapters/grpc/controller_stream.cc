#include "adapters/grpc/controller_stream.h"

#include <utility>
#include <variant>

#include "adapters/grpc/translate.h"

namespace adapters::grpc {

namespace {
constexpr std::size_t kMostUrgent = 64;
constexpr std::size_t kMostChunkBytes = 4 * 1024 * 1024;
}  // namespace

void ControllerStream::begin(wire::AgentLink::Stub& stub) {
  stub.async()->Connect(&context_, this);
  // Writes come from other threads, so gRPC must not be done before we say so (OnReadDone).
  AddHold();
  StartCall();
}

void ControllerStream::OnReadInitialMetadataDone(bool ok) {
  if (ok) {
    {
      const std::lock_guard lock(mutex_);
      open_ = true;
    }
    connected_ = true;
    handlers_.connected();
  }
  StartRead(&incoming_);
}

void ControllerStream::OnReadDone(bool ok) {
  auto message = ok ? decode(incoming_) : base::Result<ports::ToAgent>{};
  if (!ok || !message) {
    {
      const std::lock_guard lock(mutex_);
      open_ = false;
    }
    if (ok) context_.TryCancel();  // It speaks what we do not know: begin anew.
    RemoveHold();
    return;
  }
  if (std::holds_alternative<ports::Rejected>(*message)) rejected_ = true;
  handlers_.message(*std::move(message));
  incoming_.Clear();
  StartRead(&incoming_);
}

bool ControllerStream::send(ports::FromAgent message) {
  const auto* chunk = std::get_if<ports::FileChunk>(&message);
  const std::size_t bytes = chunk != nullptr ? chunk->bytes.size() : 0;
  const bool is_chunk = chunk != nullptr;
  const std::lock_guard lock(mutex_);
  if (!open_) return false;
  if (is_chunk ? chunk_bytes_ + bytes > kMostChunkBytes : urgent_.size() >= kMostUrgent) {
    return false;
  }
  auto& queue = is_chunk ? chunks_ : urgent_;
  chunk_bytes_ += bytes;
  encode(std::move(message), queue.emplace_back());
  write_next();
  return true;
}

void ControllerStream::write_next() {
  if (writing_ || !open_) return;
  auto& queue = urgent_.empty() ? chunks_ : urgent_;
  if (queue.empty()) return;
  outgoing_ = std::move(queue.front());
  queue.pop_front();
  if (outgoing_.has_file_chunk()) chunk_bytes_ -= outgoing_.file_chunk().bytes().size();
  writing_ = true;
  StartWrite(&outgoing_);
}

void ControllerStream::OnWriteDone(bool ok) {
  const std::lock_guard lock(mutex_);
  writing_ = false;
  if (ok) write_next();
}

void ControllerStream::OnDone(const ::grpc::Status& status) {
  const std::lock_guard lock(mutex_);
  open_ = false;
  done_ = true;
  status_ = status;
  done_changed_.notify_all();
}

::grpc::Status ControllerStream::wait() {
  std::unique_lock lock(mutex_);
  done_changed_.wait(lock, [&] { return done_; });
  return status_;
}

}  // namespace adapters::grpc
