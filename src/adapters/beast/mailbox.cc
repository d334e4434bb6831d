#include "adapters/beast/mailbox.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

namespace adapters::beast {

bool Mailbox::post(std::move_only_function<void()> work) {
  const std::lock_guard lock(mutex_);
  if (loop_ == nullptr) return false;
  boost::asio::post(*loop_, std::move(work));
  return true;
}

void Mailbox::close() {
  const std::lock_guard lock(mutex_);
  loop_ = nullptr;
}

}  // namespace adapters::beast
