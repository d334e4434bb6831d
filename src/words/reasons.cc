#include "words/reasons.h"

#include <algorithm>
#include <sstream>

namespace words {
namespace {

constexpr bool is_capital(char c) { return c >= 'A' && c <= 'Z'; }

/// Up to the first mark that ends a statement.
std::string_view first_statement(Language language, std::string_view sentence) {
  std::istringstream marks(say(language, "statement.ends"));
  std::size_t end = sentence.size();
  for (std::string mark; marks >> mark;) end = std::min(end, sentence.find(mark));
  return sentence.substr(0, end);
}

}  // namespace

std::string after_colon(std::string_view sentence) {
  std::string text(sentence);
  constexpr char kToSmall = 'a' - 'A';
  const bool is_name = text.size() > 1 && is_capital(text[1]);
  if (!text.empty() && is_capital(text[0]) && !is_name)
    text[0] = static_cast<char>(text[0] + kToSmall);
  return text;
}

std::optional<std::string> short_reason(Language language, std::string_view code) {
  constexpr std::string_view kReasons = "refusal.reason.";
  const auto all = sentences();
  const auto found = std::ranges::find_if(all, [&](const Entry& entry) {
    return entry.id.starts_with(kReasons) && entry.id.substr(kReasons.size()) == code;
  });
  if (found == all.end()) return std::nullopt;
  const std::string_view sentence = language == Language::zh ? found->zh : found->en;
  return after_colon(first_statement(language, sentence));
}

}  // namespace words
