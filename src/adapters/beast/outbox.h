#pragma once
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "adapters/beast/mailbox.h"
#include "ports/http.h"

namespace adapters::beast {

/// The end of a WebSocket that writes to the network. Used on its net thread only.
class StreamWriter {
 public:
  virtual ~StreamWriter() = default;
  /// The outbox has something to write or was closed.
  virtual void flush() = 0;
  /// The peer reads too slowly: end at once.
  virtual void drop() = 0;
};

/// The end of a WebSocket that callers hold: a bounded queue of texts. Thread-safe; may outlive
/// the connection and the server.
class Outbox final : public ports::TextStream {
 public:
  Outbox(std::weak_ptr<StreamWriter> writer, std::shared_ptr<Mailbox> mailbox,
         std::size_t most_bytes)
      : writer_(std::move(writer)), mailbox_(std::move(mailbox)), most_bytes_(most_bytes) {}

  bool send(std::string text) override;
  /// Ends the stream once everything queued has been written.
  void close() override;
  /// If the stream has ended already, the handler is called at once.
  void on_closed(std::function<void()> handler) override;

  /// For the writer: the next text to write, if any. It counts as queued until `written`.
  std::optional<std::string> next();
  void written(std::size_t bytes);
  /// For the writer: the caller wants no more, and everything is written.
  bool is_drained();
  /// For the writer: the stream has ended. Calls the handler of `on_closed`, once.
  void end();

 private:
  void tell(void (StreamWriter::*what)());

  const std::weak_ptr<StreamWriter> writer_;
  const std::shared_ptr<Mailbox> mailbox_;
  const std::size_t most_bytes_;

  std::mutex mutex_;  ///< Guards everything below.
  std::deque<std::string> texts_;
  std::size_t queued_bytes_ = 0;
  bool told_ = false;    ///< The writer will call `next` until there is none.
  bool closed_ = false;  ///< Nothing more is taken.
  bool ended_ = false;
  std::function<void()> closed_handler_;
};

}  // namespace adapters::beast
