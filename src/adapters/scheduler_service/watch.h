#pragma once
#include <grpcpp/support/server_callback.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <set>

#include "adapters/scheduler_service/sight.h"
#include "adapters/scheduler_service/watches.h"
#include "contracts/era.pb.h"

namespace adapters::scheduler_service {

/// One Watch call: reads what has happened page by page as its client takes it, then joins those
/// who are told each new fact. Who takes too little of that is dropped. Thread-safe.
class Watch final : public ::grpc::ServerWriteReactor<wire::Event>,
                    public std::enable_shared_from_this<Watch> {
 public:
  using Fact = std::shared_ptr<const controller::PlacedFact>;

  Watch(controller::Desk& desk, std::shared_ptr<Watches> watches,
        ::grpc::CallbackServerContext& context);

  /// Lets the caller in, or not. Stays alive until gRPC is done with it.
  void begin(Credentials credentials, const wire::WatchRequest& request);

  /// A new fact, in order.
  void tell(const Fact& fact);
  /// No more will be told.
  void lose();

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  /// What is asked of the desk next, once the lock is given back: it may call back at once.
  enum class Step { none, look, fetch };

  struct Wanted {
    Credentials credentials;
    std::optional<std::uint64_t> from;
    std::set<domain::JobId> jobs;
  };

  void admit(const Wanted& wanted, const controller::Reading& reading);
  base::Result<Sight> check(const Wanted& wanted, const controller::Reading& reading);
  void collect_own(domain::JobId after, const controller::Reading& reading);
  void approach(const controller::Reading& reading);
  void take_page(base::Result<std::vector<controller::PlacedFact>> page);
  void perform(Step step);
  void fail(const base::Error& error);

  // Under the lock:
  Step next_step();
  void settle();
  void show(const controller::PlacedFact& placed);
  bool is_let_in_no_more(const controller::PlacedFact& placed) const;
  void end(const base::Error& error);
  void finish(::grpc::Status status);
  void write_next();

  controller::Desk& desk_;
  const std::shared_ptr<Watches> watches_;
  words::Language language_ = words::Language::en;

  std::mutex mutex_;
  ::grpc::CallbackServerContext& context_;  ///< Not after `finished_`.
  std::shared_ptr<Watch> self_;             ///< Until gRPC is done.
  std::optional<Sight> sight_;              ///< Set once the caller was let in.
  std::set<domain::JobId> ended_;           ///< Of the wanted jobs, before the call.
  std::uint64_t admitted_ = 0;              ///< Facts that there were when the caller was let in.
  std::uint64_t next_ = 0;                  ///< The first fact that has not been looked at.
  std::uint64_t target_ = 0;                ///< Pages are read up to here.
  bool joined_ = false;                     ///< Facts from `target_` on are told.
  bool caught_up_ = false;                  ///< Every fact before has been looked at.
  bool fetching_ = false;
  std::deque<Fact> told_;  ///< While not caught up.
  std::deque<wire::Event> unsent_;
  wire::Event sending_;
  bool writing_ = false;
  std::optional<::grpc::Status> ending_;  ///< To be said when everything is sent.
  bool finished_ = false;
  std::size_t ignored_ = 0;  ///< Facts since it is ending.
};

}  // namespace adapters::scheduler_service
