#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "words/catalog.h"

// Why a bid was refused, where it follows other words.
namespace words {

/// `sentence` as it is written after a colon: in English without its capital.
std::string after_colon(std::string_view sentence);

/// The reason of a refusal by its code, as far as the reader needs to know it in a list: without an
/// amount, what to do about it and a full stop, to stand after a colon. None if there is no such
/// code.
std::optional<std::string> short_reason(Language language, std::string_view code);

}  // namespace words
