#include "replay/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace replay {
namespace {

constexpr double kWidth = 860;
constexpr double kHeight = 420;
constexpr double kLeft = 80;
constexpr double kTop = 48;
constexpr double kPlotWidth = 560;
constexpr double kPlotHeight = 300;
constexpr double kKeyLeft = kLeft + kPlotWidth + 24;
constexpr std::array kColours{"#1b5e9c", "#d1701f", "#2f8f5b", "#a23b72",
                              "#6c6f7d", "#b8a012", "#7a4fbf"};

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char letter : text) {
    if (letter == '&') {
      safe += "&amp;";
    } else if (letter == '<') {
      safe += "&lt;";
    } else {
      safe += letter;
    }
  }
  return safe;
}

const char* colour_of(std::size_t i) { return kColours[i % kColours.size()]; }

/// A round step of which four to eight reach `end`.
double step_for(double end) {
  if (!(end > 0)) return 1;
  const double rough = std::pow(10, std::floor(std::log10(end / 4)));
  for (const double factor : {1.0, 2.0, 2.5, 5.0}) {
    if (end / (rough * factor) <= 8) return rough * factor;
  }
  return rough * 10;
}

/// How many there are to share a length; never 0.
template <class List>
double count_of(const List& list) {
  return std::max(1.0, static_cast<double>(list.size()));
}

/// A document that is written from top to bottom.
class Drawing {
 public:
  explicit Drawing(const Frame& frame) : frame_(frame) {
    text_ = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
        "height=\"{1}\" font-family=\"sans-serif\" font-size=\"13\" fill=\"#222\">\n"
        "<rect width=\"{0}\" height=\"{1}\" fill=\"#fff\"/>\n",
        kWidth, kHeight);
    words(kLeft, 26, frame.title, "font-size=\"16\" font-weight=\"bold\"");
    words(kLeft + kPlotWidth / 2, kHeight - 14, frame.x_label, "text-anchor=\"middle\"");
    words(0, 0, frame.y_label,
          fmt::format("text-anchor=\"middle\" transform=\"translate(20 {}) rotate(-90)\"",
                      kTop + kPlotHeight / 2));
  }

  double x(double value) const { return kLeft + value / frame_.x_end * kPlotWidth; }
  double y(double value) const { return kTop + kPlotHeight * (1 - value / frame_.y_end); }

  void words(double at_x, double at_y, std::string_view what, std::string_view how) {
    text_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" {}>{}</text>\n", at_x, at_y, how,
                         escaped(what));
  }
  void box(double at_x, double at_y, double width, double height, std::string_view how) {
    text_ +=
        fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" {}/>\n",
                    at_x, at_y, width, height, how);
  }
  void line(double x1, double y1, double x2, double y2, std::string_view how) {
    text_ += fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" {}/>\n", x1,
                         y1, x2, y2, how);
  }
  void raw(std::string_view text) { text_ += text; }

  void x_axis() {
    const double step = step_for(frame_.x_end);
    for (double at = 0; at <= frame_.x_end * (1 + 1e-9); at += step) {
      line(x(at), kTop + kPlotHeight, x(at), kTop + kPlotHeight + 5, "stroke=\"#222\"");
      words(x(at), kTop + kPlotHeight + 20, fmt::format("{:g}", at), "text-anchor=\"middle\"");
    }
    line(kLeft, kTop + kPlotHeight, kLeft + kPlotWidth, kTop + kPlotHeight, "stroke=\"#222\"");
  }
  void y_axis() {
    const double step = step_for(frame_.y_end);
    for (double at = 0; at <= frame_.y_end * (1 + 1e-9); at += step) {
      line(kLeft, y(at), kLeft + kPlotWidth, y(at), "stroke=\"#ddd\"");
      words(kLeft - 8, y(at) + 4, fmt::format("{:g}", at), "text-anchor=\"end\"");
    }
    line(kLeft, kTop, kLeft, kTop + kPlotHeight, "stroke=\"#222\"");
  }
  void key(std::size_t i, std::string_view name) {
    const double at = kTop + 22 * static_cast<double>(i);
    box(kKeyLeft, at, 14, 14, fmt::format("fill=\"{}\"", colour_of(i)));
    words(kKeyLeft + 20, at + 12, name, "");
  }

  std::string done() { return text_ + "</svg>\n"; }

 private:
  const Frame& frame_;
  std::string text_;
};

}  // namespace

std::string draw_curves(const Frame& frame, const std::vector<Curve>& curves) {
  Drawing drawing(frame);
  drawing.y_axis();
  drawing.x_axis();
  for (std::size_t i = 0; i < curves.size(); ++i) {
    const Curve& curve = curves[i];
    std::string points;
    const double last = std::max(1.0, count_of(curve.ys) - 1);
    for (std::size_t at = 0; at < curve.ys.size(); ++at) {
      points +=
          fmt::format("{:.1f},{:.1f} ", drawing.x(static_cast<double>(at) / last * frame.x_end),
                      drawing.y(std::min(curve.ys[at], frame.y_end)));
    }
    drawing.raw(
        fmt::format("<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" "
                    "stroke-width=\"1.5\"/>\n",
                    points, colour_of(i)));
    drawing.key(i, curve.name);
  }
  return drawing.done();
}

std::string draw_bars(const Frame& frame, const Bars& bars) {
  Drawing drawing(frame);
  drawing.y_axis();
  drawing.line(kLeft, kTop + kPlotHeight, kLeft + kPlotWidth, kTop + kPlotHeight,
               "stroke=\"#222\"");
  const double room = kPlotWidth / count_of(bars.groups);
  const double width = room * 0.8 / count_of(bars.names);
  for (std::size_t g = 0; g < bars.groups.size(); ++g) {
    const BarGroup& group = bars.groups[g];
    const double left = kLeft + room * (static_cast<double>(g) + 0.1);
    for (std::size_t i = 0; i < group.heights.size(); ++i) {
      const double top = drawing.y(std::min(group.heights[i], frame.y_end));
      drawing.box(left + width * static_cast<double>(i), top, width * 0.92,
                  kTop + kPlotHeight - top, fmt::format("fill=\"{}\"", colour_of(i)));
    }
    drawing.words(left + room * 0.4, kTop + kPlotHeight + 20, group.label,
                  "text-anchor=\"middle\" font-size=\"12\"");
  }
  for (std::size_t i = 0; i < bars.names.size(); ++i) drawing.key(i, bars.names[i]);
  return drawing.done();
}

std::string draw_cells(const Frame& frame, const Cells& cells) {
  constexpr int kShades = 5;
  Drawing drawing(frame);
  double most = 0;
  for (const auto& row : cells.rows) {
    for (const double value : row) most = std::max(most, value);
  }
  const auto shade = [&](double value) {
    const double part = most > 0 ? value / most : 0;
    return fmt::format("fill=\"rgb({:.0f},{:.0f},{:.0f})\"", 247 - 220 * part, 251 - 157 * part,
                       255 - 99 * part);
  };
  const double height = kPlotHeight / count_of(cells.rows);
  for (std::size_t r = 0; r < cells.rows.size(); ++r) {
    const auto& row = cells.rows[r];
    const double width = kPlotWidth / count_of(row);
    for (std::size_t c = 0; c < row.size(); ++c) {
      drawing.box(kLeft + width * static_cast<double>(c),
                  kTop + kPlotHeight - height * static_cast<double>(r + 1), width + 0.2,
                  height + 0.2, shade(row[c]));
    }
  }
  drawing.x_axis();
  const double step = step_for(frame.y_end);
  for (double at = 0; at <= frame.y_end; at += step) {
    drawing.words(kLeft - 8, drawing.y(at) + 4, fmt::format("{:g}", at), "text-anchor=\"end\"");
  }
  drawing.words(kKeyLeft, kTop + 10, cells.unit, "font-size=\"12\"");
  for (int i = 0; i <= kShades; ++i) {
    const double value = most * i / kShades;
    const double at = kTop + 24 + 22 * i;
    drawing.box(kKeyLeft, at, 18, 18, shade(value) + " stroke=\"#999\"");
    drawing.words(kKeyLeft + 26, at + 14, fmt::format("{:.2f}", value), "");
  }
  return drawing.done();
}

}  // namespace replay
