#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cli {

enum class Style { plain, good, warning, bad, faint, strong };

/// `text` between the terminal's codes for `style`.
std::string painted(std::string_view text, Style style);

/// Columns that `text` takes on a terminal: East Asian wide letters and emoji take two, combining
/// marks none. O(length).
int display_width(std::string_view text);

/// `text` cut to at most `width` columns, the last of them an ellipsis if something was cut.
std::string cut_to(std::string_view text, int width);

/// `text` on lines of at most `width` columns, broken at spaces and beside wide letters, but not
/// before a full stop and its like. A word that is longer than a line is broken anywhere.
std::vector<std::string> wrapped(std::string_view text, int width);

/// `text` from elsewhere without what could steer a terminal: control letters become spaces.
std::string printable(std::string_view text);

struct Cell {
  std::string text;
  Style style = Style::plain;
  Cell(std::string from, Style how = Style::plain) : text(std::move(from)), style(how) {}
  Cell(const char* from) : text(from) {}
};

struct Column {
  std::string title;
  bool right = false;   ///< Numbers.
  bool shrinks = true;  ///< May be cut to fit the terminal; ids and times may not.
};

struct Table {
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;
};

/// Draws a table without lines around cells. With `width` above 0 columns that shrink are cut, the
/// widest first and none below four, until it fits. O(cells).
std::string drawn(const Table& table, int width, bool colours);

}  // namespace cli
