#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace replay {

/// Where a drawing's values lie. Both axes begin at 0.
struct Frame {
  std::string title;
  std::string x_label;  ///< With its unit.
  std::string y_label;
  double x_end = 1;
  double y_end = 1;
};

/// A curve: ys[i] at the share i / (size - 1) of the x axis.
struct Curve {
  std::string name;
  std::vector<double> ys;
};

/// A group of bars; heights[i] belongs to Bars::names[i].
struct BarGroup {
  std::string label;
  std::vector<double> heights;
};

struct Bars {
  std::vector<std::string> names;
  std::vector<BarGroup> groups;
};

/// Cells of one colour, the darker the higher; a row is a list of columns, the lowest row first.
struct Cells {
  std::vector<std::vector<double>> rows;
  std::string unit;  ///< Of the values, for the key.
};

// Each draws a whole SVG document that needs nothing beside it.
std::string draw_curves(const Frame& frame, const std::vector<Curve>& curves);
std::string draw_bars(const Frame& frame, const Bars& bars);
std::string draw_cells(const Frame& frame, const Cells& cells);

}  // namespace replay
