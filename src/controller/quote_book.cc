#include "controller/quote_book.h"

namespace controller {
namespace {
constexpr std::size_t kMostQuotes = 100'000;
}

void QuoteBook::keep(Quote quote, domain::Time now) {
  while (!by_expiry_.empty() &&
         (by_expiry_.begin()->first <= now || by_expiry_.size() >= kMostQuotes)) {
    quotes_.erase(by_expiry_.begin()->second);
    by_expiry_.erase(by_expiry_.begin());
  }
  by_expiry_.emplace(quote.expires, quote.id);
  quotes_.insert_or_assign(quote.id, std::move(quote));
}

std::optional<Quote> QuoteBook::find(const domain::QuoteId& id, const domain::UserId& user,
                                     domain::Time now) const {
  const auto found = quotes_.find(id);
  if (found == quotes_.end() || found->second.expires <= now || found->second.user != user)
    return std::nullopt;
  return found->second;
}

}  // namespace controller
