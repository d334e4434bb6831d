#pragma once
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "words/catalog.h"

namespace cli::text {

enum class Language { en, zh };

/// One sentence in both languages. Placeholders are {0} to {9}.
struct Entry {
  std::string_view id;
  std::string_view en;
  std::string_view zh;
};

/// Picks Chinese for "zh", "zh_CN.UTF-8" and their like, English for everything else.
Language language_of(std::string_view locale);

/// The sentence of `id`, which must be in the catalog. O(log entries).
std::string_view find(Language language, std::string_view id);
/// True if the catalog has `id`.
bool has(std::string_view id);

/// The sentence of `id` with its placeholders replaced by `values`, in order.
std::string say(Language language, std::string_view id,
                std::initializer_list<std::string_view> values = {});

/// Says in `language` an error that was written in English; what is not known stays English.
std::string translate(Language language, std::string_view english);
/// The patterns that `translate` knows beside those of `words`.
std::span<const words::Entry> known();

// The parts of the catalog, each in a file of its own.
std::span<const Entry> messages();
std::span<const Entry> verbs();
std::span<const Entry> examples();
std::span<const Entry> options();
std::span<const Entry> limits();    ///< Of shares, quotas, the queue, and of what is free.
std::span<const Entry> closures();  ///< Of nodes that are closed for a time.
std::span<const Entry> serving();   ///< Of up, controller and agent, which apps/berth makes.
std::span<const Entry> reports();   ///< Of `berth report`.

}  // namespace cli::text
