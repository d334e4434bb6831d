#pragma once
#include <string>
#include <vector>

#include "domain/money.h"
#include "domain/time.h"

namespace scenario {

using Words = std::vector<std::string>;

/// The words of a line, without what is between them.
Words words_of(const std::string& text);

/// "5h", "1h30m", "30s".
std::string text_of(domain::Duration length);
/// The same, from the beginning of the story.
std::string text_of(domain::Time time);
/// "0.25", in credits.
std::string text_of(domain::Money money);

domain::Duration length_of(const std::string& text);
domain::Money money_of(const std::string& text);

}  // namespace scenario
