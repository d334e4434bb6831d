#pragma once
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace words {

enum class Language { en, zh };

/// Picks Chinese if an Accept-Language header or a locale begins with it, English for all else.
Language language_of(std::string_view wanted);

/// One sentence in both languages. Placeholders are {0} to {9}.
struct Entry {
  std::string_view id;
  std::string_view en;
  std::string_view zh;
};

/// The sentence of `id`, which must be in the catalog, with its placeholders replaced by `values`.
std::string say(Language language, std::string_view id,
                std::initializer_list<std::string_view> values = {});

/// Says in `language` what another module wrote in English: a cause that is kept in a fact, or the
/// message of an error. What the catalog does not know stays English. O(known texts).
std::string translate(Language language, std::string_view english);

/// The same by the patterns of `known`, the first that fits; what they do not know is looked for
/// among the known texts. Values are translated too.
std::string translate(Language language, std::string_view english, std::span<const Entry> known);

/// The sentences that `say` knows, and the English texts that `translate` knows (without ids).
std::span<const Entry> sentences();
std::span<const Entry> known_texts();

}  // namespace words
