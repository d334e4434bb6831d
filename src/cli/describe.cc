#include "cli/describe.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "cli/amounts.h"
#include "words/reasons.h"

namespace cli {
namespace {

using namespace std::string_view_literals;

constexpr std::array kTakesValue{"--name"sv,     "--ranks"sv, "--gpus"sv,        "--cores"sv,
                                 "--memory"sv,   "--pool"sv,  "--placement"sv,   "--by"sv,
                                 "--after"sv,    "--at"sv,    "--max-price"sv,   "--framework"sv,
                                 "--conda"sv,    "--venv"sv,  "--env"sv,         "--workdir"sv,
                                 "--retries"sv,  "--grace"sv, "--output"sv,      "--count"sv,
                                 "--quote-id"sv, "--lang"sv,  "--server"sv,      "--token"sv,
                                 "--duration"sv, "-t"sv,      "--preemptible"sv, "--elastic"sv};

bool is_dropped_for(std::string_view word, std::string_view option) {
  const std::string_view name = word.substr(0, word.find('='));
  if (option == "--duration" && name == "-t") return true;
  // A deadline takes the place of a firm start.
  if (option == "--by" && name == "--at") return true;
  return name == option;
}

bool is_dropped(std::string_view word, const std::vector<Said>& said) {
  const std::string_view name = word.substr(0, word.find('='));
  if (name == "--token" || name == "--quote-id" || name == "--alternatives") return true;
  return std::ranges::any_of(said,
                             [&](const Said& each) { return is_dropped_for(word, each.first); });
}

/// `per_rank` as far as it is not what was asked.
void add_per_rank(const domain::Resources& per_rank, const std::optional<domain::Shape>& asked,
                  std::vector<Said>& said) {
  const domain::Resources before = asked ? asked->per_rank : domain::Resources{};
  if (per_rank.gpus != before.gpus) {
    const std::string model = asked && !asked->gpu_model.empty() ? asked->gpu_model + ":" : "";
    said.emplace_back("--gpus", fmt::format("{}{}", model, per_rank.gpus));
  }
  if (per_rank.cpu_millis != before.cpu_millis)
    said.emplace_back("--cores", show_cores(per_rank.cpu_millis));
  // Rounded down: less memory still fits.
  if (per_rank.memory_bytes != before.memory_bytes)
    said.emplace_back("--memory", typed_bytes(per_rank.memory_bytes));
}

std::vector<Said> said_for(const Context& context, const Change& change,
                           const std::optional<domain::Shape>& asked) {
  std::vector<Said> said;
  if (change.max_price) said.emplace_back("--max-price", enough_credits({*change.max_price}));
  if (change.deadline) said.emplace_back("--by", iso_minute({*change.deadline}, context.here()));
  if (change.ranks) said.emplace_back("--ranks", std::to_string(*change.ranks));
  if (change.per_rank) add_per_rank(*change.per_rank, asked, said);
  // Rounded down to the second: a shorter job still fits.
  if (change.duration) said.emplace_back("--duration", exact_duration({*change.duration}));
  return said;
}

std::string options_text(const std::vector<Said>& said) {
  std::string text;
  for (const auto& [option, value] : said)
    text += fmt::format("{}{} {}", text.empty() ? "" : " ", option, shell_word(value));
  return text;
}

void show_change(Context& context, const Change& change,
                 const std::optional<domain::Shape>& asked) {
  constexpr std::array kBids{"quote"sv, "submit"sv, "run"sv};
  const auto said = said_for(context, change, asked);
  if (said.empty()) return;
  // Whoever asks about a job later has not typed the bid.
  const bool is_typed = std::ranges::find_first_of(context.words, kBids) != context.words.end();
  const std::string command = is_typed ? command_with(context, said) : options_text(said);
  context.output.line("  " + context.output.paint(command, Style::strong));
  context.output.line("    " + offer_text(context, change.offer));
}

std::optional<std::string> known_reason(const Context& context, std::string_view code) {
  const bool is_chinese = context.output.language() == text::Language::zh;
  return words::short_reason(is_chinese ? words::Language::zh : words::Language::en, code);
}

}  // namespace

std::string state_text(const Context& context, std::string_view state) {
  const std::string id = fmt::format("state.{}", state);
  return text::has(id) ? context.say(id) : printable(state);
}

std::string cause_text(const Context& context, std::string_view cause) {
  const std::string id = fmt::format("cause.{}", cause);
  return text::has(id) ? context.say(id) : printable(cause);
}

std::string state_note(const Context& context, std::int64_t job, std::string_view state) {
  const std::string number = std::to_string(job);
  const std::string id = fmt::format("note.{}", state);
  return text::has(id) ? context.say(id, {number})
                       : context.say("note.other_state", {number, printable(state)});
}

bool is_final_state(std::string_view state) {
  constexpr std::array kFinal{"refused"sv,   "succeeded"sv, "failed"sv,
                              "cancelled"sv, "expired"sv,   "lost"sv};
  return std::ranges::find(kFinal, state) != kFinal.end();
}

std::string offer_text(const Context& context, const Offer& offer) {
  if (offer.price == 0) {
    return context.say("offer.free_line", {printable(offer.pool), context.moment(offer.start),
                                           context.moment(offer.finish)});
  }
  return context.say("offer.line", {printable(offer.pool), context.moment(offer.start),
                                    context.moment(offer.finish), show_credits({offer.price})});
}

std::string shell_word(std::string_view word) {
  const bool is_plain = !word.empty() && std::ranges::all_of(word, [](unsigned char c) {
    return std::isalnum(c) != 0 || "_-./:=,+@%"sv.contains(static_cast<char>(c));
  });
  if (is_plain) return std::string(word);
  std::string made = "'";
  for (const char c : word) made += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return made + "'";
}

std::string command_with(const Context& context, const std::vector<Said>& said) {
  std::string made = "berth";
  for (std::size_t i = 0; i < context.words.size(); ++i) {
    const std::string& word = context.words[i];
    if (is_dropped(word, said)) {
      if (std::ranges::find(kTakesValue, word) != kTakesValue.end()) ++i;
      continue;
    }
    made += " " + shell_word(word);
  }
  made += " " + options_text(said);
  if (context.command) {
    made += " --";
    for (const std::string& word : *context.command) made += " " + shell_word(word);
  }
  return made;
}

std::string reason_text(const Context& context, std::string_view code) {
  return known_reason(context, code).value_or(printable(code));
}

void show_help(Context& context, const Refusal& refusal,
               const std::optional<domain::Shape>& asked) {
  Output& output = context.output;
  if (!refusal.changes.empty()) output.line(context.say("refused.accepted"));
  for (const Change& change : refusal.changes) show_change(context, change, asked);
  if (refusal.cheaper) {
    output.line(context.say("refused.cheaper", {offer_text(context, *refusal.cheaper)}));
  }
}

void show_refusal(Context& context, const Refusal& refusal, std::string_view text,
                  const std::optional<domain::Shape>& asked) {
  Output& output = context.output;
  // The controller's sentence names what the lines below show again, where there are any.
  const bool is_shown_below =
      !refusal.blocking.empty() || !refusal.changes.empty() || refusal.cheaper;
  const bool is_known = known_reason(context, refusal.reason).has_value();
  const std::string reason = text.empty() || (is_shown_below && is_known)
                                 ? reason_text(context, refusal.reason)
                                 : words::after_colon(context.told(text));
  output.paragraph(context.say("refused.reason", {reason}), Style::warning);
  if (!refusal.blocking.empty()) {
    const std::string until = context.moment(refusal.blocked_until.value_or(0));
    output.line(context.say("refused.blocking",
                            {fmt::format("{}", fmt::join(refusal.blocking, ", ")), until}));
  }
  show_help(context, refusal, asked);
}

namespace {

/// A moment in a column: today's need no day.
std::string short_moment(const Context& context, std::int64_t ms) {
  const std::string whole = context.moment(ms);
  const std::string today = context.say("day.today") + " ";
  return whole.starts_with(today) ? whole.substr(today.size()) : whole;
}

}  // namespace

void show_choice(Context& context, const Choice& choice) {
  for (std::size_t i = 0; i < choice.options.size(); ++i) {
    const Option& option = choice.options[i];
    const std::string number = std::to_string(i + 1);
    std::string line;
    if (option.price) {
      line = context.say("quote.option", {number, show_credits({*option.price})});
    } else {
      line = context.say("quote.option_refused",
                         {number, reason_text(context, option.refused.value_or(""))});
    }
    const bool taken = choice.taken >= 0 && static_cast<std::size_t>(choice.taken) == i;
    context.output.line(taken ? line + context.say("quote.option_taken") : line);
  }
}

void show_jobs(Context& context, const std::vector<Job>& jobs) {
  if (jobs.empty()) {
    context.output.line(context.say("jobs.none"));
    return;
  }
  constexpr std::ptrdiff_t kPriceColumn = 7;
  // Where nothing costs anything, nothing is said of money.
  const bool is_priced =
      std::ranges::any_of(jobs, [](const Job& job) { return job.price != 0 || job.paid != 0; });
  Table table{{{context.say("column.id"), true, false},
               {context.say("column.name")},
               {context.say("column.user")},
               {context.say("column.state"), false, false},
               {context.say("column.class"), false, false},
               {context.say("column.start"), false, false},
               {context.say("column.finish"), false, false},
               {context.say("column.price"), true, false},
               {context.say("column.nodes")}},
              {}};
  for (const Job& job : jobs) {
    const std::string nodes = fmt::format("{}", fmt::join(job.nodes, ","));
    const std::int64_t money = is_final_state(job.state) ? job.paid : job.price;
    table.rows.push_back({std::to_string(job.id),
                          printable(job.name),
                          printable(job.user),
                          {state_text(context, job.state), style_of_state(job.state)},
                          printable(job.job_class),
                          short_moment(context, job.planned_start),
                          short_moment(context, job.ended > 0 ? job.ended : job.planned_finish),
                          show_credits({money}),
                          printable(nodes)});
  }
  if (!is_priced) {
    table.columns.erase(table.columns.begin() + kPriceColumn);
    for (auto& row : table.rows) row.erase(row.begin() + kPriceColumn);
  }
  context.output.table(table);
}

std::string nodes_text(const std::vector<std::string>& nodes) {
  std::string made;
  for (auto at = nodes.begin(); at != nodes.end();) {
    const auto end = std::find_if(at, nodes.end(), [&](const auto& each) { return each != *at; });
    if (!made.empty()) made += ", ";
    made += end - at > 1 ? fmt::format("{} x{}", *at, end - at) : *at;
    at = end;
  }
  return made;
}

bool changes_width(const std::vector<std::string>& nodes, const std::vector<Piece>& later) {
  return std::ranges::any_of(
      later, [&](const Piece& piece) { return piece.nodes.size() != nodes.size(); });
}

std::vector<std::string> piece_lines(const Context& context, const std::vector<Piece>& later,
                                     bool with_ranks) {
  std::vector<std::string> lines;
  for (const Piece& piece : later) {
    lines.push_back(
        context.say(with_ranks ? "quote.wide_piece" : "quote.piece",
                    {context.moment(piece.start), context.moment(piece.finish),
                     printable(nodes_text(piece.nodes)), std::to_string(piece.nodes.size())}));
  }
  return lines;
}

std::string widths_text(const domain::Widths& widths) {
  std::string made;
  for (const domain::Width& width : widths) {
    if (!made.empty()) made += ", ";
    made += fmt::format("{} ({})", width.ranks, show_cores(width.speed));
  }
  return made;
}

}  // namespace cli
