#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "replay/cluster.h"
#include "replay/workload.h"

namespace replay {

/// What a policy says to a bid when it comes.
struct Verdict {
  enum class Kind {
    refused,
    promised,  ///< It will be done by its deadline if it runs as long as its owner says.
    waiting,   ///< In a queue; nothing is promised.
  };
  Kind kind = Kind::refused;
  double price = 0;  ///< In credits, for what is promised.
};

/// From this slot on `job` holds `gpus` GPUs, until it is done or another change.
struct Change {
  static constexpr std::int32_t kGivenUp = -1;  ///< As `gpus`: it will never start.
  std::int32_t job = 0;
  std::int32_t gpus = 0;  ///< 0: it pauses.
};

/// A way to answer bids and to place them. The replay calls it slot by slot: what ends or
/// overruns, then the bids of the slot, then tick(). It knows the future only as far as it has
/// promised it, and of a job what its owner says.
class Policy {
 public:
  virtual ~Policy() = default;

  virtual Verdict bid(const Bid& bid) = 0;
  /// Appends what changes in slot `now`, those that free GPUs first.
  virtual void tick(std::int32_t now, std::vector<Change>& changes) = 0;
  /// `bid` is done, or has been stopped, and holds nothing from `now` on.
  virtual void ended(const Bid& bid, std::int32_t now) = 0;
  /// `bid` has run as long as its owner said and is not done: what another slot costs it, in
  /// credits; none: it is stopped.
  virtual std::optional<double> overrun(const Bid& bid, std::int32_t now) = 0;
  /// What one more GPU costs in slot `now`, in credits an hour.
  virtual double going_price(std::int32_t) { return 0; }
};

struct NamedPolicy {
  std::string_view name;
  std::unique_ptr<Policy> (*make)(const Cluster& cluster);
};

/// All policies, in the order in which they are reported.
const std::vector<NamedPolicy>& policies();
/// The policies named in a list with commas, each once.
base::Result<std::vector<NamedPolicy>> policies_of(std::string_view names);

std::unique_ptr<Policy> make_era(const Cluster& cluster);          ///< What Berth does.
std::unique_ptr<Policy> make_first_fit(const Cluster& cluster);    ///< Earliest start, free.
std::unique_ptr<Policy> make_backfill(const Cluster& cluster);     ///< First come, EASY.
std::unique_ptr<Policy> make_edf(const Cluster& cluster);          ///< Earliest deadline first.
std::unique_ptr<Policy> make_fixed_price(const Cluster& cluster);  ///< One learnt price.
std::unique_ptr<Policy> make_exponential_price(const Cluster& cluster);  ///< L (U/L)^fullness.
std::unique_ptr<Policy> make_greedy(const Cluster& cluster);             ///< Best rate first.

}  // namespace replay
