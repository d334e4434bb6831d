#include "cli/output.h"

#include <algorithm>
#include <boost/json/object.hpp>

#include "base/json.h"

namespace cli {
namespace {

bool wants_colour(const Environment& environment) {
  const auto no_color = environment.variable("NO_COLOR");
  const auto terminal = environment.variable("TERM");
  return (!no_color || no_color->empty()) && terminal.value_or("") != "dumb";
}

}  // namespace

Output::Output(Environment& environment, text::Language language, bool json)
    : environment_(environment),
      language_(language),
      json_(json),
      colours_out_(environment.out_is_terminal() && wants_colour(environment)),
      colours_error_(environment.error_is_terminal() && wants_colour(environment)) {}

void Output::line(std::string_view text) { environment_.write_out(without_secrets(text) + "\n"); }

void Output::raw(std::string_view bytes) { environment_.write_out(bytes); }

void Output::note(std::string_view text, Style style) {
  const auto write = [&](const std::string& line) {
    environment_.write_error((colours_error_ ? painted(line, style) : line) + "\n");
  };
  const std::string shown = without_secrets(text);
  const bool wraps = environment_.error_is_terminal() && environment_.width() > 0;
  if (!wraps) return write(shown);
  for (const std::string& each : wrapped(shown, environment_.width())) write(each);
}

void Output::sentence(std::string_view text) {
  if (environment_.width() > 0) return paragraph(text);
  line(text);
}

void Output::table(const Table& table) {
  environment_.write_out(drawn(table, environment_.width(), colours_out_));
}

int Output::width() const {
  const int columns = environment_.width();
  return columns > 0 ? std::clamp(columns, 60, 100) : 100;
}

void Output::paragraph(std::string_view text, Style style) {
  for (const std::string& each : wrapped(text, width())) line(paint(each, style));
}

void Output::data(const boost::json::value& value) {
  boost::json::object all;
  all["ok"] = true;
  all["data"] = value;
  environment_.write_out(base::to_text(all) + "\n");
}

void Output::envelope(boost::json::object error, const boost::json::object& more) {
  for (const auto& entry : more) error[entry.key()] = entry.value();
  boost::json::object all;
  all["ok"] = false;
  all["error"] = std::move(error);
  environment_.write_out(without_secrets(base::to_text(all)) + "\n");
}

ExitStatus Output::error(const base::Error& error, const boost::json::object& more) {
  const ExitStatus status = exit_status(error.code);
  const std::string message = text::translate(language_, error.message);
  if (json_) {
    const std::string_view code = code_name(error.code);
    boost::json::object made;
    made["code"] = boost::json::string(code.data(), code.size());
    made["message"] = base::valid_utf8(message);
    if (!error.field.empty()) made["field"] = base::valid_utf8(error.field);
    made["exit_status"] = static_cast<int>(status);
    envelope(std::move(made), more);
    return status;
  }
  note("berth: " + printable(message), Style::bad);
  const bool is_stranger = error.code == base::ErrorCode::unauthenticated;
  if (is_stranger && hints_login_) note(say("hint.login"));
  return status;
}

void Output::unsuccessful(std::string_view code, std::string_view message, int exit_status,
                          const boost::json::object& more) {
  boost::json::object made;
  made["code"] = boost::json::string(code.data(), code.size());
  made["message"] = base::valid_utf8(message);
  made["exit_status"] = exit_status;
  envelope(std::move(made), more);
}

void Output::hide(std::string secret) {
  constexpr std::size_t kShortest = 4;  // Shorter ones would tear up ordinary words.
  if (secret.size() >= kShortest) secrets_.push_back(std::move(secret));
}

std::string Output::paint(std::string_view text, Style style) const {
  return colours_out_ ? painted(text, style) : std::string(text);
}

std::string Output::without_secrets(std::string_view text) const {
  std::string made(text);
  for (const std::string& secret : secrets_) {
    for (std::size_t at = made.find(secret); at != std::string::npos; at = made.find(secret, at)) {
      made.replace(at, secret.size(), "***");
      at += 3;
    }
  }
  return made;
}

Style style_of_state(std::string_view state) {
  if (state == "running" || state == "succeeded" || state == "ready") return Style::good;
  if (state == "failed" || state == "lost" || state == "down" || state == "quarantined") {
    return Style::bad;
  }
  if (state == "refused" || state == "expired" || state == "interrupted" || state == "draining" ||
      state == "maintenance") {
    return Style::warning;
  }
  const bool is_faint = state == "cancelled" || state == "closed" || state == "suspended";
  return is_faint ? Style::faint : Style::plain;
}

}  // namespace cli
