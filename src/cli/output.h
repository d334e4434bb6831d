#pragma once
#include <boost/json/value.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/environment.h"
#include "cli/exit_status.h"
#include "cli/table.h"
#include "cli/text/catalog.h"

namespace cli {

/// What the program says: results on standard output, everything else on standard error. Colours
/// only on terminals and without NO_COLOR. Texts that were given to `hide` never appear.
class Output {
 public:
  Output(Environment& environment, text::Language language, bool json);

  /// True with --json: one envelope {"ok", "data" | "error"} on standard output and no tables.
  bool json() const { return json_; }
  text::Language language() const { return language_; }
  std::string say(std::string_view id, std::initializer_list<std::string_view> values = {}) const {
    return text::say(language_, id, values);
  }

  void line(std::string_view text);
  /// Bytes of a log or a file, as they are.
  void raw(std::string_view bytes);
  /// Progress and state, for a person: standard error, wrapped to a terminal.
  void note(std::string_view text, Style style = Style::plain);
  void table(const Table& table);
  /// Columns for running text: the terminal's, 60 to 100.
  int width() const;
  /// A sentence on standard output, wrapped on a terminal and one line elsewhere.
  void sentence(std::string_view text);
  /// A paragraph on standard output, wrapped to the terminal.
  void paragraph(std::string_view text, Style style = Style::plain);
  void data(const boost::json::value& value);
  /// Reports an error, and in an envelope whatever else `more` has; returns how to end.
  ExitStatus error(const base::Error& error, const boost::json::object& more = {});
  /// Reports in an envelope what is no error of the API: a refused bid, a job that failed.
  void unsuccessful(std::string_view code, std::string_view message, int exit_status,
                    const boost::json::object& more);

  /// Says nothing of signing in below an error: that is what the caller is doing.
  void leave_out_login_hint() { hints_login_ = false; }
  void hide(std::string secret);
  /// `text` as it would be on standard output, painted if that shows colours.
  std::string paint(std::string_view text, Style style) const;

 private:
  std::string without_secrets(std::string_view text) const;
  void envelope(boost::json::object error, const boost::json::object& more);

  Environment& environment_;
  text::Language language_;
  bool json_;
  bool colours_out_;
  bool colours_error_;
  bool hints_login_ = true;
  std::vector<std::string> secrets_;
};

/// The class of a job's state, for colours.
Style style_of_state(std::string_view state);

}  // namespace cli
