#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/money.h"

namespace cli {

/// Reads a decimal number without sign as thousandths, millionths, ...: `places` digits after the
/// point at most. Nothing for any other text or above 10^12.
std::optional<std::int64_t> parse_decimal(std::string_view text, int places);

/// Reads bytes: "2GiB", "2G" (the same), "512MB" (decimal), "1.5TiB", "1000".
base::Result<std::int64_t> parse_bytes(std::string_view text);

/// Reads credits: "12", "0.25"; at most six decimals.
base::Result<domain::Money> parse_credits(std::string_view text);

/// Reads cores as thousandths: "4", "0.5".
base::Result<std::int64_t> parse_cores(std::string_view text);

/// GPUs of each rank, of one model or (empty) of any.
struct GpuWish {
  std::int32_t count = 0;
  std::string model;
  friend bool operator==(const GpuWish&, const GpuWish&) = default;
};
/// Reads "4", "A100:4" or "A100" (one).
base::Result<GpuWish> parse_gpus(std::string_view text);

/// Reads a whole number from `least` to `most`.
base::Result<std::int32_t> parse_whole(std::string_view text, std::int32_t least,
                                       std::int32_t most);

/// Credits with two to four decimals, rounded to nearest: "12.00", "0.3125", "-3.50", "<0.0001".
std::string show_credits(domain::Money amount);
/// The same, rounded up and without idle zeros: what parse_credits reads back as enough.
std::string enough_credits(domain::Money amount);

/// "512 MiB", "1.5 GiB".
std::string show_bytes(std::int64_t bytes);
/// "16G", "1500M": the same or, below whole MiB, less, as parse_bytes reads it.
std::string typed_bytes(std::int64_t bytes);
/// "4", "0.5" from thousandths.
std::string show_cores(std::int64_t cpu_millis);

}  // namespace cli
