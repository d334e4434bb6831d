#include "cli/table.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace cli {
namespace {

constexpr int kLeast = 4;
constexpr int kGap = 2;
constexpr std::string_view kEllipsis = "\xE2\x80\xA6";

/// One letter and the bytes it takes; invalid bytes count as one letter each.
struct Letter {
  char32_t code = 0;
  std::size_t bytes = 1;
};

Letter first_letter(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const std::size_t bytes = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (bytes == 1 || lead < 0xC2 || text.size() < bytes) return {lead, 1};
  auto code = static_cast<char32_t>(lead & (0x7Fu >> bytes));
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {lead, 1};
    code = (code << 6) | (byte(i) & 0x3F);
  }
  return {code, bytes};
}

struct Range {
  char32_t first;
  char32_t last;
};

/// East_Asian_Width W and F of Unicode 15, joined to blocks.
constexpr std::array kWide{
    Range{0x1100, 0x115F},   Range{0x231A, 0x231B},   Range{0x23E9, 0x23EC},
    Range{0x2614, 0x2615},   Range{0x2705, 0x2705},   Range{0x274C, 0x274C},
    Range{0x2E80, 0x303E},   Range{0x3041, 0x33FF},   Range{0x3400, 0x4DBF},
    Range{0x4E00, 0xA4CF},   Range{0xA960, 0xA97C},   Range{0xAC00, 0xD7A3},
    Range{0xF900, 0xFAFF},   Range{0xFE30, 0xFE6F},   Range{0xFF00, 0xFF60},
    Range{0xFFE0, 0xFFE6},   Range{0x1F300, 0x1F64F}, Range{0x1F680, 0x1F6FF},
    Range{0x1F900, 0x1F9FF}, Range{0x20000, 0x3FFFD}};
constexpr std::array kWithoutWidth{Range{0x0300, 0x036F}, Range{0x200B, 0x200F},
                                   Range{0x20D0, 0x20FF}, Range{0xFE00, 0xFE0F}};

template <class Ranges>
bool is_in(char32_t code, const Ranges& ranges) {
  return std::ranges::any_of(
      ranges, [&](const Range& range) { return code >= range.first && code <= range.last; });
}

int letter_width(char32_t code) {
  if (code < 0x300) return 1;
  if (is_in(code, kWithoutWidth)) return 0;
  return is_in(code, kWide) ? 2 : 1;
}

/// What stands with the letter before it: full stops and their like, and what closes.
constexpr std::u32string_view kClosing =
    U"\uFF0C\u3002\uFF1A\uFF1B\u3001\uFF01\uFF1F\uFF09\u3011\u300D\u300F\u300B"
    U"\u3009\u201D\u2019\u2026\u2014\u00B7"
    U",.;:!?)]}>%'\"";
/// What stands with the letter after it: what opens.
constexpr std::u32string_view kOpening = U"\uFF08\u3010\u300C\u300E\u300A\u3008\u201C\u2018([{<'\"";

/// Whether a line may end between two letters: after a space, and beside a wide letter where no
/// punctuation is torn off.
bool may_break(char32_t before, char32_t next) {
  if (before == ' ' || next == ' ') return next != ' ';
  if (letter_width(next) == 0 || kClosing.contains(next) || kOpening.contains(before)) return false;
  return letter_width(before) == 2 || letter_width(next) == 2;
}

std::string padded(const std::string& text, int width, bool right) {
  const int missing = std::max(0, width - display_width(text));
  const std::string space(static_cast<std::size_t>(missing), ' ');
  return right ? space + text : text + space;
}

std::vector<int> natural_widths(const Table& table) {
  std::vector<int> widths;
  for (const Column& column : table.columns) widths.push_back(display_width(column.title));
  for (const auto& row : table.rows) {
    CHECK(row.size() == table.columns.size(), "a row has a cell for each column");
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], display_width(row[i].text));
    }
  }
  return widths;
}

void shrink(const Table& table, std::vector<int>& widths, int width) {
  int over = kGap * (static_cast<int>(widths.size()) - 1) - width;
  for (const int each : widths) over += each;
  for (; over > 0; --over) {
    std::size_t widest = widths.size();
    for (std::size_t i = 0; i < widths.size(); ++i) {
      const bool may = table.columns[i].shrinks && widths[i] > kLeast;
      if (may && (widest == widths.size() || widths[i] > widths[widest])) widest = i;
    }
    if (widest == widths.size()) return;
    --widths[widest];
  }
}

}  // namespace

std::string painted(std::string_view text, Style style) {
  constexpr std::array<std::string_view, 6> kCodes{"", "32", "33", "31", "2", "1"};
  const std::string_view code = kCodes.at(static_cast<std::size_t>(style));
  if (code.empty() || text.empty()) return std::string(text);
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

int display_width(std::string_view text) {
  int width = 0;
  while (!text.empty()) {
    const Letter letter = first_letter(text);
    width += letter_width(letter.code);
    text.remove_prefix(letter.bytes);
  }
  return width;
}

std::string cut_to(std::string_view text, int width) {
  if (display_width(text) <= width) return std::string(text);
  if (width <= 0) return "";
  std::string made;
  int used = 1;  // The ellipsis.
  while (!text.empty()) {
    const Letter letter = first_letter(text);
    used += letter_width(letter.code);
    if (used > width) break;
    made += text.substr(0, letter.bytes);
    text.remove_prefix(letter.bytes);
  }
  return made + std::string(kEllipsis);
}

std::vector<std::string> wrapped(std::string_view text, int width) {
  std::vector<std::string> lines;
  std::string line;
  int used = 0;
  std::size_t last_break = 0;  // Where `line` may end; 0: nowhere.
  char32_t before = 0;
  while (!text.empty()) {
    const Letter letter = first_letter(text);
    const int more = letter_width(letter.code);
    if (!line.empty() && may_break(before, letter.code)) last_break = line.size();
    while (used + more > width && !line.empty() && letter.code != ' ') {
      const std::size_t end = last_break == 0 ? line.size() : last_break;
      std::string rest = line.substr(end);
      line.resize(line.find_last_not_of(' ', end - 1) + 1);
      lines.push_back(std::move(line));
      line = std::move(rest);
      used = display_width(line);
      last_break = 0;
    }
    line += text.substr(0, letter.bytes);
    used += more;
    before = letter.code;
    text.remove_prefix(letter.bytes);
  }
  lines.push_back(std::move(line));
  return lines;
}

std::string printable(std::string_view text) {
  std::string made;
  while (!text.empty()) {
    const Letter letter = first_letter(text);
    const bool is_control =
        letter.code < 0x20 || (letter.code >= 0x7F && letter.code < 0xA0 && letter.bytes <= 2);
    made += is_control ? std::string_view(" ") : text.substr(0, letter.bytes);
    text.remove_prefix(letter.bytes);
  }
  return made;
}

std::string drawn(const Table& table, int width, bool colours) {
  std::vector<int> widths = natural_widths(table);
  if (width > 0) shrink(table, widths, width);
  std::string made;
  const auto draw_row = [&](const std::vector<Cell>& row) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const bool is_last = i + 1 == row.size();
      const bool right = table.columns[i].right;
      const std::string cut = cut_to(row[i].text, widths[i]);
      const std::string cell = is_last && !right ? cut : padded(cut, widths[i], right);
      made += colours ? painted(cell, row[i].style) : cell;
      if (!is_last) made += std::string(kGap, ' ');
    }
    while (made.ends_with(' ')) made.pop_back();
    made += '\n';
  };
  std::vector<Cell> titles;
  for (const Column& column : table.columns) titles.emplace_back(column.title, Style::strong);
  draw_row(titles);
  for (const auto& row : table.rows) draw_row(row);
  return made;
}

}  // namespace cli
