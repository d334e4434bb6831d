#include "cli/text/catalog.h"

#include <map>

#include "base/check.h"

namespace cli::text {
namespace {

using Catalog = std::map<std::string_view, const Entry*>;

void add(Catalog& catalog, std::span<const Entry> part) {
  for (const Entry& entry : part) {
    CHECK(catalog.emplace(entry.id, &entry).second, "a text id is used once");
  }
}

const Catalog& catalog() {
  static const Catalog all = [] {
    Catalog built;
    for (const auto part :
         {messages(), verbs(), examples(), options(), limits(), closures(), serving(), reports()})
      add(built, part);
    return built;
  }();
  return all;
}

}  // namespace

Language language_of(std::string_view locale) {
  return locale.starts_with("zh") ? Language::zh : Language::en;
}

bool has(std::string_view id) { return catalog().contains(id); }

std::string_view find(Language language, std::string_view id) {
  const auto entry = catalog().find(id);
  CHECK(entry != catalog().end(), "every text that is asked for is in the catalog");
  return language == Language::zh ? entry->second->zh : entry->second->en;
}

std::string say(Language language, std::string_view id,
                std::initializer_list<std::string_view> values) {
  const std::string_view pattern = find(language, id);
  std::string text;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    const bool is_placeholder = pattern[at] == '{' && at + 2 < pattern.size() &&
                                pattern[at + 1] >= '0' && pattern[at + 1] <= '9' &&
                                pattern[at + 2] == '}';
    if (!is_placeholder) {
      text += pattern[at];
      continue;
    }
    const auto index = static_cast<std::size_t>(pattern[at + 1] - '0');
    CHECK(index < values.size(), "every placeholder has a value");
    text += values.begin()[index];
    at += 2;
  }
  return text;
}

}  // namespace cli::text
