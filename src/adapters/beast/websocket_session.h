#pragma once
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "adapters/beast/outbox.h"
#include "adapters/beast/serving.h"

namespace adapters::beast {

using BeastRequest = boost::beast::http::request<boost::beast::http::string_body>;

/// The server's side of one WebSocket: writes what its outbox holds, drops what it reads, pings.
template <class Stream>
class WebSocketSession final : public Peer,
                               public StreamWriter,
                               public std::enable_shared_from_this<WebSocketSession<Stream>> {
 public:
  using Opened = std::function<void(std::shared_ptr<ports::TextStream>)>;

  WebSocketSession(Stream stream, const Serving& serving)
      : stream_(std::move(stream)), serving_(serving) {}

  /// Answers the upgrade, then calls `opened`. Called once, when `serving.peers` has this peer.
  void start(BeastRequest request, Opened opened) {
    namespace websocket = boost::beast::websocket;
    stream_.set_option(websocket::stream_base::timeout::suggested(boost::beast::role_type::server));
    stream_.read_message_max(kMostIncomingBytes);
    stream_.text(true);
    outbox_ = std::make_shared<Outbox>(this->weak_from_this(), serving_.mailbox,
                                       serving_.limits.stream_queue_bytes);
    request_ = std::move(request);
    stream_.async_accept(
        request_, [self = this->shared_from_this(), opened = std::move(opened)](
                      boost::system::error_code failed) { self->on_accepted(failed, opened); });
  }

  void flush() override {
    if (!open_ || ended_ || current_) return;
    current_ = outbox_->next();
    if (!current_) {
      if (outbox_->is_drained()) say_goodbye(boost::beast::websocket::close_code::normal);
      return;
    }
    stream_.async_write(
        boost::asio::buffer(*current_),
        [self = this->shared_from_this()](boost::system::error_code failed, std::size_t) {
          self->on_written(failed);
        });
  }

  void drop() override { abort(); }
  void expire() override { abort(); }
  void finish() override { say_goodbye(boost::beast::websocket::close_code::going_away); }

  void abort() override {
    if (std::exchange(ended_, true)) return;
    const auto self = this->shared_from_this();
    boost::system::error_code ignored;
    boost::beast::get_lowest_layer(stream_).close(ignored);
    serving_.peers.remove(*this);
    outbox_->end();
  }

 private:
  static constexpr std::size_t kMostIncomingBytes = 64 * 1024;
  static constexpr domain::Duration kGoodbye = domain::kSecond * 10;

  void on_accepted(boost::system::error_code failed, const Opened& opened) {
    request_ = {};
    if (failed) return abort();
    if (ended_) return;
    open_ = true;
    opened(outbox_);
    read();
    flush();
  }

  void read() {
    stream_.async_read(incoming_, [self = this->shared_from_this()](
                                      boost::system::error_code failed, std::size_t) {
      if (failed) return self->abort();
      self->incoming_.consume(self->incoming_.size());
      self->read();
    });
  }

  void on_written(boost::system::error_code failed) {
    if (failed) return abort();
    outbox_->written(current_->size());
    current_.reset();
    flush();
  }

  void say_goodbye(boost::beast::websocket::close_code why) {
    if (!open_) return abort();
    if (ended_ || std::exchange(leaving_, true)) return;
    deadline = deadline_in(kGoodbye);
    stream_.async_close(
        why, [self = this->shared_from_this()](boost::system::error_code) { self->abort(); });
  }

  boost::beast::websocket::stream<Stream, /*deflateSupported=*/false> stream_;
  Serving serving_;
  BeastRequest request_;  ///< Until the upgrade is answered.
  std::shared_ptr<Outbox> outbox_;
  boost::beast::flat_buffer incoming_;
  std::optional<std::string> current_;  ///< Being written.
  bool open_ = false;
  bool leaving_ = false;
  bool ended_ = false;
};

}  // namespace adapters::beast
