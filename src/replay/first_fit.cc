#include "replay/agenda.h"
#include "replay/policy.h"

namespace replay {
namespace {

class FirstFit final : public Policy {
 public:
  explicit FirstFit(const Cluster& cluster) : agenda_(cluster.gpus) {}

  Verdict bid(const Bid& bid) override {
    const auto start = agenda_.timeline().earliest(bid.arrival, bid.deadline, bid.length, bid.gpus);
    if (!start) return {};
    agenda_.promise(bid, *start);
    return {Verdict::Kind::promised};
  }
  void tick(std::int32_t now, std::vector<Change>& changes) override { agenda_.tick(now, changes); }
  void ended(const Bid& bid, std::int32_t now) override { agenda_.ended(bid, now); }
  std::optional<double> overrun(const Bid& bid, std::int32_t now) override {
    return agenda_.overrun(bid, now);
  }

 private:
  Agenda agenda_;
};

}  // namespace

std::unique_ptr<Policy> make_first_fit(const Cluster& cluster) {
  return std::make_unique<FirstFit>(cluster);
}

}  // namespace replay
