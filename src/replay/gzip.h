#pragma once
#include <string>
#include <string_view>

#include "base/result.h"

namespace replay {

/// Unpacks `bytes` if they begin as gzip does; hands anything else back as it is. Fails on damaged
/// bytes and on more than `limit` bytes of text. O(text).
base::Result<std::string> unpacked(std::string_view bytes,
                                   std::size_t limit = std::size_t{1} << 31);

}  // namespace replay
