#include "cli/usage.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "cli/describe.h"
#include "cli/nearest.h"

namespace cli {
namespace {

/// "berth run echo hi": what is meant is most likely a command.
std::string too_many(const Typing& typing, const Output& output) {
  const std::string& verb = typing.verb.get_name();
  const bool takes_command = verb == "run" || verb == "submit" || verb == "quote";
  const auto at = std::ranges::find(typing.words, verb);
  const bool has_options =
      std::any_of(at, typing.words.end(), [](const auto& word) { return word.starts_with('-'); });
  if (!takes_command || has_options || at == typing.words.end()) {
    return output.say("error.too_many");
  }
  std::string command;
  for (auto word = at + 1; word != typing.words.end(); ++word) {
    command += (command.empty() ? "" : " ") + shell_word(printable(*word));
  }
  return output.say("error.too_many_words", {verb, command});
}

/// Words that the parser took for options and does not know, without their values.
std::vector<std::string> unknown_options(const Typing& typing) {
  std::vector<std::string> unknown;
  for (const std::string& word : typing.common.remaining(true)) {
    if (word.starts_with('-') && word.size() > 1) unknown.push_back(word.substr(0, word.find('=')));
  }
  return unknown;
}

/// The names of all options that this call may have, without their dashes.
struct OptionNames {
  std::vector<std::string> letters;
  std::vector<std::string> words;
};

OptionNames names_of(const Typing& typing) {
  OptionNames names;
  for (const CLI::App* app : {&typing.verb, &typing.common}) {
    for (const CLI::Option* option : app->get_options()) {
      std::ranges::copy(option->get_lnames(), std::back_inserter(names.words));
      std::ranges::copy(option->get_snames(), std::back_inserter(names.letters));
    }
  }
  return names;
}

/// What other schedulers call it, and what it is called here.
constexpr std::array<std::pair<std::string_view, std::string_view>, 21> kElsewhere{{
    {"time", "duration"},      {"time-limit", "duration"}, {"deadline", "by"},
    {"begin", "after"},        {"gres", "gpus"},           {"gpus-per-node", "gpus"},
    {"gpus-per-task", "gpus"}, {"ntasks", "ranks"},        {"nodes", "ranks"},
    {"cpus", "cores"},         {"cpus-per-task", "cores"}, {"mem", "memory"},
    {"partition", "pool"},     {"queue", "pool"},          {"array", "count"},
    {"nice", "priority"},      {"requeue", "retries"},     {"job-name", "name"},
    {"chdir", "workdir"},      {"export", "env"},          {"reason", "cause"},
}};

/// The option that `unknown` was probably meant to be, with its dashes; empty if none is near.
std::string near_option(std::string_view unknown, const OptionNames& names) {
  std::string_view name = unknown;
  while (name.starts_with('-')) name.remove_prefix(1);
  const std::vector<std::string_view> words(names.words.begin(), names.words.end());
  for (const auto& [theirs, ours] : kElsewhere) {
    if (name != theirs) continue;
    if (std::ranges::find(words, ours) != words.end()) return fmt::format("--{}", ours);
  }
  const std::string_view word = nearest(name, words);
  if (!word.empty()) return fmt::format("--{}", word);
  for (const std::string& letter : names.letters) {
    const bool is_other_case = name.size() == 1 && (name[0] ^ letter[0]) == ('a' ^ 'A');
    if (is_other_case) return "-" + letter;
  }
  return "";
}

std::string unexpected(const Typing& typing, const Output& output) {
  const OptionNames names = names_of(typing);
  for (const std::string& name : unknown_options(typing)) {
    const bool is_known =
        std::ranges::any_of(names.words, [&](const auto& each) { return name == "--" + each; }) ||
        std::ranges::any_of(names.letters, [&](const auto& each) { return name == "-" + each; });
    if (is_known) continue;
    const std::string near = near_option(name, names);
    return near.empty() ? output.say("error.unknown_option", {printable(name)})
                        : output.say("error.unknown_option_near", {printable(name), near});
  }
  return too_many(typing, output);
}

/// An argument is called in the help as its value is: JOB, not job.
std::string shown_name(const CLI::App& verb, const std::string& name) {
  for (const CLI::Option* option : verb.get_options()) {
    if (option->get_positional() && option->get_name() == name) return option->get_type_name();
  }
  return name;
}

/// What stands in `text` between `before` and `after`; all that follows if that is empty.
std::string between(std::string_view text, std::string_view before, std::string_view after) {
  const std::size_t from = text.find(before);
  if (from == text.npos) return "";
  text.remove_prefix(from + before.size());
  return std::string(after.empty() ? text : text.substr(0, text.find(after)));
}

/// The parser's sentences in ours.
std::string in_our_words(const CLI::ParseError& error, const CLI::App& verb) {
  std::string said = error.what();
  const std::string kind = error.get_name();
  const std::string name = said.substr(0, said.find(':'));
  if (kind == "RequiredError") {
    return fmt::format("{} is missing", shown_name(verb, between(said, "", " is required")));
  }
  if (kind == "ConversionError" && said.starts_with("Could not convert: ")) {
    return fmt::format("{}: '{}' is no number", between(said, ": ", " = "),
                       printable(between(said, " = ", "")));
  }
  if (kind == "ValidationError" && said.contains(" not in {")) {
    std::string choices = between(said, " not in {", "}");
    for (std::size_t at = 0; (at = choices.find(',', at)) != choices.npos; at += 2) {
      choices.insert(at + 1, " ");
    }
    return fmt::format("{}: '{}' is not one of {}", name,
                       printable(between(said, ": ", " not in {")), choices);
  }
  if (kind == "ArgumentMismatch") {
    return said.contains("At Most") ? fmt::format("give {} once", name)
                                    : fmt::format("{} needs a value", name);
  }
  if (kind == "RequiresError") {
    return fmt::format("{} needs {} beside it", between(said, "", " requires"),
                       between(said, "requires ", ""));
  }
  return said;
}

}  // namespace

std::string usage_text(const CLI::ParseError& error, const Typing& typing, const Output& output) {
  const bool is_extra = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr;
  // The parser names first what is missing, which may be there under a name that it does not know.
  if (is_extra || !unknown_options(typing).empty()) return unexpected(typing, output);
  return text::translate(output.language(), in_our_words(error, typing.verb));
}

}  // namespace cli
