#include "words/amounts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace words {
namespace {

/// Thousandths without idle zeros: "64", "0.5".
std::string decimal(std::int64_t thousandths) {
  std::string text = fmt::format("{}", thousandths / 1'000);
  if (thousandths % 1'000 == 0) return text;
  text += fmt::format(".{:03}", thousandths % 1'000);
  while (text.ends_with('0')) text.pop_back();
  return text;
}

std::string memory(Language language, std::int64_t bytes) {
  constexpr std::int64_t kMebibyte = std::int64_t{1} << 20;
  constexpr std::int64_t kGibibyte = kMebibyte << 10;
  if (bytes < kGibibyte) return say(language, "amount.mib", {std::to_string(bytes / kMebibyte)});
  const std::int64_t tenths = bytes / kGibibyte * 10 + bytes % kGibibyte * 10 / kGibibyte;
  return say(language, "amount.gib", {decimal(tenths * 100)});
}

}  // namespace

std::string money(Language language, domain::Money amount) {
  constexpr std::int64_t kUnit = 100;  // Micro-credits in the last decimal that is shown.
  const bool is_negative = amount < domain::Money{};
  const std::int64_t micros = is_negative ? -amount.micros : amount.micros;
  const std::int64_t units = micros / kUnit + (micros % kUnit == 0 ? 0 : 1);
  std::string text = fmt::format("{}{}", is_negative ? "-" : "", units / 10'000);
  if (units % 10'000 != 0) {
    text += fmt::format(".{:04}", units % 10'000);
    while (text.ends_with('0')) text.pop_back();
  }
  return say(language, text == "1" ? "amount.credit" : "amount.credits", {text});
}

std::string duration(Language language, domain::Duration length) {
  struct Unit {
    std::int64_t seconds;
    std::string_view id;
  };
  constexpr std::array<Unit, 4> kUnits{
      {{86'400, "unit.days"}, {3'600, "unit.hours"}, {60, "unit.minutes"}, {1, "unit.seconds"}}};
  std::int64_t left = length.ms <= 0 ? 0 : (length.ms + 999) / 1'000;
  std::string text;
  int shown = 0;
  for (const Unit& unit : kUnits) {
    const std::int64_t count = left / unit.seconds;
    left %= unit.seconds;
    const bool is_last = unit.seconds == 1 && text.empty();
    if ((count == 0 && !is_last) || shown == 2) continue;
    if (!text.empty()) text += ' ';
    text += say(language, unit.id, {std::to_string(count)});
    ++shown;
  }
  return text;
}

std::string resources(Language language, const domain::Resources& amounts) {
  std::string text;
  const auto add = [&](const std::string& amount) {
    if (!text.empty()) text += say(language, "amount.and");
    text += amount;
  };
  if (amounts.gpus > 0) {
    add(say(language, amounts.gpus == 1 ? "amount.gpu" : "amount.gpus",
            {std::to_string(amounts.gpus)}));
  }
  if (amounts.cpu_millis > 0) {
    add(say(language, amounts.cpu_millis == 1'000 ? "amount.core" : "amount.cores",
            {decimal(amounts.cpu_millis)}));
  }
  if (amounts.memory_bytes > 0) add(memory(language, amounts.memory_bytes));
  return text;
}

std::string time(domain::Time moment) {
  constexpr std::int64_t kLast = 253'402'300'799'000;  // The end of the year 9999.
  const std::chrono::milliseconds since(std::clamp<std::int64_t>(moment.ms, 0, kLast));
  const std::chrono::sys_time<std::chrono::milliseconds> point(since);
  const auto day = std::chrono::floor<std::chrono::days>(point);
  const std::chrono::year_month_day date(day);
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(point - day).count();
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02} UTC", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     minutes / 60, minutes % 60);
}

}  // namespace words
