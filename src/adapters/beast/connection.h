#pragma once
#include <array>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "adapters/beast/reply.h"
#include "adapters/beast/request.h"
#include "adapters/beast/serving.h"
#include "adapters/beast/websocket_session.h"

namespace adapters::beast {

/// One client: reads a request, has it answered, writes the answer, and again.
///
/// The stages follow each other on the net thread; nothing is read while a request is in hand. The
/// handler's reply comes through the mailbox and finds its turn, or nothing if that is over.
template <class Stream>
class Connection final : public Peer, public std::enable_shared_from_this<Connection<Stream>> {
 public:
  Connection(Stream stream, std::string address, const Serving& serving)
      : stream_(std::move(stream)), address_(std::move(address)), serving_(serving) {}

  /// Called once, when `serving.peers` has this peer.
  void start() {
    deadline = deadline_in(serving_.limits.handshake_and_header);
    expect_request();
    if constexpr (kTls) {
      stream_.async_handshake(boost::asio::ssl::stream_base::server,
                              [self = this->shared_from_this()](Failure failed) {
                                if (failed) return self->abort();
                                self->read();
                              });
    } else {
      read();
    }
  }

  void expire() override {
    if (stage_ != Stage::serving) return abort();
    reply(turn_, refusal(504, "deadline_exceeded", "the server took too long to answer"));
  }

  void abort() override {
    if (std::exchange(stage_, Stage::over) == Stage::over) return;
    const auto self = this->shared_from_this();
    Failure ignored;
    boost::beast::get_lowest_layer(stream_).close(ignored);
    serving_.peers.remove(*this);
  }

  void finish() override {
    finishing_ = true;
    const bool has_begun = buffer_.size() > 0 || (parser_ && parser_->is_header_done());
    if (stage_ == Stage::reading && !has_begun) abort();
  }

 private:
  using Failure = boost::system::error_code;
  enum class Stage { reading, serving, writing, leaving, over };

  static constexpr bool kTls = !std::is_same_v<Stream, Socket>;
  static constexpr std::size_t kHeaderChunk = 4 * 1024;
  static constexpr std::size_t kBodyChunk = 16 * 1024;
  static constexpr domain::Duration kLeave = domain::kSecond * 2;

  void expect_request() {
    stage_ = Stage::reading;
    header_begun_ = body_begun_ = false;
    parser_.emplace();
    parser_->eager(true);
    parser_->header_limit(serving_.limits.header_bytes);
    parser_->body_limit(serving_.limits.body_bytes);
  }

  void read() {
    const std::size_t chunk = body_begun_ ? kBodyChunk : kHeaderChunk;
    stream_.async_read_some(buffer_.prepare(chunk),
                            [self = this->shared_from_this()](Failure failed, std::size_t bytes) {
                              if (self->stage_ == Stage::over) return;
                              if (failed) return self->abort();
                              self->buffer_.commit(bytes);
                              self->parse();
                            });
  }

  void parse() {
    if (!header_begun_ && !looks_like_http(buffer_.cdata())) return refuse(refuse_garbage());
    Failure failed;
    while (buffer_.size() > 0 && !failed && !parser_->is_done()) {
      buffer_.consume(parser_->put(buffer_.cdata(), failed));
    }
    if (failed && failed != boost::beast::http::error::need_more) {
      return refuse(refuse_malformed(failed));
    }
    if (parser_->is_done()) return serve();
    keep_reading();
  }

  /// Part of a request is here: gives the rest its time.
  void keep_reading() {
    if (!std::exchange(header_begun_, true) && has_served_) {
      deadline = deadline_in(serving_.limits.handshake_and_header);
    }
    if (!parser_->is_header_done() || std::exchange(body_begun_, true)) return read();
    deadline = deadline_in(serving_.limits.body);
    if (!wants_continue(parser_->get())) return read();
    head_ = "HTTP/1.1 100 Continue\r\n\r\n";
    boost::asio::async_write(stream_, boost::asio::buffer(head_),
                             [self = this->shared_from_this()](Failure failed, std::size_t) {
                               if (self->stage_ == Stage::over) return;
                               if (failed) return self->abort();
                               self->read();
                             });
  }

  void serve() {
    BeastRequest message = parser_->release();
    keep_alive_ = message.keep_alive();
    head_only_ = message.method() == boost::beast::http::verb::head;
    const bool is_upgrade = boost::beast::websocket::is_upgrade(message);
    if (is_upgrade && buffer_.size() > 0) return refuse(refuse_garbage());
    if (is_upgrade) upgrade_ = message;
    auto request = make_request(std::move(message), address_);
    if (!request) return refuse(refuse_request(request.error()));

    stage_ = Stage::serving;
    has_served_ = true;
    serving_.peers.move(*this, PeerGroup::busy);
    deadline = deadline_in(serving_.limits.reply);
    if (is_upgrade) return serving_.handler.upgrade(*std::move(request), next_turn(), opened_);
    serving_.handler.handle(*std::move(request), next_turn());
  }

  ports::HttpHandler::Reply next_turn() {
    return [weak = this->weak_from_this(), mailbox = serving_.mailbox,
            turn = ++turn_](ports::HttpResponse response) {
      mailbox->post([weak, turn, response = std::move(response)]() mutable {
        if (const auto self = weak.lock()) self->reply(turn, std::move(response));
      });
    };
  }

  void reply(std::uint64_t turn, ports::HttpResponse response) {
    if (stage_ != Stage::serving || turn != turn_) return;
    const auto opened = std::exchange(opened_, nullptr);
    auto upgrade = std::exchange(upgrade_, std::nullopt);
    if (response.status != 101) return write(std::move(response));
    if (!upgrade || !opened) {
      return write(refusal(500, "internal", "the server does not speak WebSocket here"));
    }
    become_stream(*std::move(upgrade), opened);
  }

  void become_stream(BeastRequest request, typename WebSocketSession<Stream>::Opened opened) {
    stage_ = Stage::over;
    const auto session = std::make_shared<WebSocketSession<Stream>>(std::move(stream_), serving_);
    serving_.peers.add(session, PeerGroup::busy);
    session->start(std::move(request), std::move(opened));
    serving_.peers.remove(*this);
  }

  /// Answers what cannot be served, and leaves: what follows on the connection is not to be
  /// trusted.
  void refuse(ports::HttpResponse response) {
    keep_alive_ = false;
    write(std::move(response));
  }

  void write(ports::HttpResponse response) {
    stage_ = Stage::writing;
    keep_alive_ = keep_alive_ && !finishing_;
    head_ = encode_head(response, keep_alive_);
    body_ = std::move(response.body);
    if (head_only_ || is_bodiless(response.status)) body_.clear();
    const std::array<boost::asio::const_buffer, 2> parts = {boost::asio::buffer(head_),
                                                            boost::asio::buffer(body_)};
    deadline = deadline_in(serving_.limits.write_stall);
    boost::asio::async_write(
        stream_, parts,
        [self = this->shared_from_this()](Failure failed, std::size_t bytes) {
          return self->wish_to_write(failed, bytes);
        },
        [self = this->shared_from_this()](Failure failed, std::size_t) {
          self->on_written(failed);
        });
  }

  /// How much to write next; each step is progress.
  std::size_t wish_to_write(Failure failed, std::size_t already) {
    constexpr std::size_t kStep = 256 * 1024;
    if (failed) return 0;
    if (already > 0) deadline = deadline_in(serving_.limits.write_stall);
    return kStep;
  }

  void on_written(Failure failed) {
    if (stage_ == Stage::over) return;
    if (failed) return abort();
    body_ = {};
    if (!keep_alive_) return leave();
    serving_.peers.move(*this, PeerGroup::idle);
    deadline = deadline_in(serving_.limits.idle);
    expect_request();
    if (buffer_.size() > 0) return parse();
    if (finishing_) return abort();
    read();
  }

  /// Says that nothing more comes, then waits a little for the client to end: closing at once with
  /// unread bytes would make its machine throw our answer away.
  void leave() {
    stage_ = Stage::leaving;
    deadline = deadline_in(kLeave);
    serving_.peers.move(*this, PeerGroup::idle);
    Failure ignored;
    boost::beast::get_lowest_layer(stream_).shutdown(Socket::shutdown_send, ignored);
    discard();
  }

  void discard() {
    buffer_.consume(buffer_.size());
    stream_.async_read_some(buffer_.prepare(kBodyChunk),
                            [self = this->shared_from_this()](Failure failed, std::size_t) {
                              if (self->stage_ == Stage::over) return;
                              if (failed) return self->abort();
                              self->discard();
                            });
  }

  Stream stream_;
  std::string address_;
  Serving serving_;
  Stage stage_ = Stage::reading;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
  std::optional<BeastRequest> upgrade_;  ///< While the handler thinks about it.
  std::function<void(std::shared_ptr<ports::TextStream>)> opened_;
  std::string head_, body_;  ///< Being written.
  std::uint64_t turn_ = 0;   ///< Counts requests.
  bool header_begun_ = false;
  bool body_begun_ = false;
  bool has_served_ = false;
  bool keep_alive_ = true;
  bool head_only_ = false;
  bool finishing_ = false;  ///< The server stops.
};

}  // namespace adapters::beast
