#include "adapters/beast/outbox.h"

#include <utility>

namespace adapters::beast {

void Outbox::tell(void (StreamWriter::*what)()) {
  // The writer is looked up on its own thread, so that its last owner never lives on another one.
  mailbox_->post([writer = writer_, what] {
    if (const auto alive = writer.lock()) ((*alive).*what)();
  });
}

bool Outbox::send(std::string text) {
  const std::lock_guard lock(mutex_);
  if (closed_) return false;
  if (queued_bytes_ + text.size() > most_bytes_) {
    closed_ = true;
    tell(&StreamWriter::drop);
    return false;
  }
  queued_bytes_ += text.size();
  texts_.push_back(std::move(text));
  if (!std::exchange(told_, true)) tell(&StreamWriter::flush);
  return true;
}

void Outbox::close() {
  const std::lock_guard lock(mutex_);
  if (!std::exchange(closed_, true)) tell(&StreamWriter::flush);
}

void Outbox::on_closed(std::function<void()> handler) {
  {
    const std::lock_guard lock(mutex_);
    if (!ended_) {
      closed_handler_ = std::move(handler);
      return;
    }
  }
  handler();
}

std::optional<std::string> Outbox::next() {
  const std::lock_guard lock(mutex_);
  if (texts_.empty()) {
    told_ = false;  // Not earlier: until here the writer comes back for more by itself.
    return std::nullopt;
  }
  std::string text = std::move(texts_.front());
  texts_.pop_front();
  return text;
}

void Outbox::written(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  queued_bytes_ -= bytes;
}

bool Outbox::is_drained() {
  const std::lock_guard lock(mutex_);
  return closed_ && texts_.empty();
}

void Outbox::end() {
  std::function<void()> handler;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    if (std::exchange(ended_, true)) return;
    handler = std::exchange(closed_handler_, nullptr);
    texts_.clear();
  }
  if (handler) handler();
}

}  // namespace adapters::beast
