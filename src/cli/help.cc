#include "cli/help.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/exit_status.h"
#include "cli/table.h"

namespace cli {
namespace {

constexpr int kLeft = 30;  // Columns for names.

bool is_flag(const CLI::Option& option) { return option.get_items_expected_max() == 0; }

/// What a value is called, without the choices that the parser appends.
std::string value_name(const CLI::Option& option) {
  const std::string name = option.get_type_name();
  return name.substr(0, name.find(":{"));
}

/// "--duration, -t TIME".
std::string option_name(const CLI::Option& option) {
  std::string made;
  for (const std::string& name : option.get_snames()) made += "-" + name + ", ";
  for (const std::string& name : option.get_lnames()) made += "--" + name + ", ";
  if (made.size() >= 2) made.resize(made.size() - 2);
  return is_flag(option) ? made : made + " " + value_name(option);
}

std::string positional_name(const CLI::Option& option) {
  std::string name = value_name(option);
  if (option.get_items_expected_max() > 1) name += "...";
  return option.get_required() ? name : "[" + name + "]";
}

/// Appends `name`, and `about` beside it, in lines of `width` columns.
void add_line(std::string& to, int width, const std::string& name, std::string_view about) {
  std::string left = "  " + name;
  bool is_first = display_width(left) < kLeft - 1;
  if (!is_first) to += left + "\n";
  for (const std::string& line : wrapped(about, width - kLeft)) {
    std::string start = is_first ? left : "";
    while (display_width(start) < kLeft) start += ' ';
    to += start + line + "\n";
    is_first = false;
  }
}

void add_options(std::string& to, const Output& output, const CLI::App& verb, bool with_help) {
  for (const CLI::Option* option : verb.get_options()) {
    const bool is_help = option == verb.get_help_ptr() && !with_help;
    if (option->get_positional() || is_help) continue;
    const std::string preset = option->get_default_str();
    const std::string more = preset.empty() ? "" : output.say("help.default", {preset});
    add_line(to, output.width(), option_name(*option), option->get_description() + more);
  }
}

std::string usage(const CLI::App& verb, std::string_view path, bool has_verbs) {
  std::string made = "berth";
  if (!path.empty()) made += fmt::format(" {}", path);
  if (has_verbs) made += verb.get_require_subcommand_min() > 0 ? " VERB" : " [VERB]";
  made += " [OPTION...]";
  for (const CLI::Option* option : verb.get_options()) {
    if (option->get_positional()) made += " " + positional_name(*option);
  }
  const bool takes_command = path == "run" || path == "submit" || path == "quote";
  return takes_command ? made + " [-- COMMAND...]" : made;
}

std::vector<const CLI::App*> verbs_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

/// Names of options and verbs that may follow, for completion.
std::string words_after(const CLI::App& verb, const CLI::App& root) {
  std::string words;
  for (const CLI::App* below : verbs_of(verb)) words += below->get_name() + " ";
  for (const CLI::App* app : {&verb, &root}) {
    for (const CLI::Option* option : app->get_options()) {
      for (const std::string& name : option->get_lnames()) words += "--" + name + " ";
    }
    if (&verb == &root) break;
  }
  if (words.ends_with(' ')) words.pop_back();
  return words;
}

}  // namespace

std::string help_text(const CLI::App& verb, const CLI::App& common, std::string_view path,
                      const Output& output, std::span<const ExtraVerb> extra) {
  const auto verbs = verbs_of(verb);
  const int width = output.width();
  std::string made =
      fmt::format("{} {}\n\n", output.say("help.usage"), usage(verb, path, !verbs.empty()));
  for (const std::string& line : wrapped(verb.get_description(), width)) made += line + "\n";
  if (!verbs.empty()) {
    made += fmt::format("\n{}\n", output.say("help.verbs"));
    for (const CLI::App* each : verbs)
      add_line(made, width, each->get_name(), each->get_description());
    for (const ExtraVerb& each : path.empty() ? extra : std::span<const ExtraVerb>()) {
      const bool is_zh = output.language() == text::Language::zh;
      add_line(made, width, each.name, is_zh ? each.about_zh : each.about_en);
    }
  }
  const auto options = verb.get_options();
  const bool has_positional = std::ranges::any_of(
      options, [](const CLI::Option* option) { return option->get_positional(); });
  if (has_positional) {
    made += fmt::format("\n{}\n", output.say("help.arguments"));
    for (const CLI::Option* option : options) {
      if (!option->get_positional()) continue;
      add_line(made, width, positional_name(*option), option->get_description());
    }
  }
  std::string own;
  if (&verb != &common) add_options(own, output, verb, false);
  if (!own.empty()) {
    made += fmt::format("\n{}\n{}", output.say("help.options"), own);
  }
  made += fmt::format("\n{}\n", output.say("help.common"));
  add_options(made, output, common, true);
  made += fmt::format("\n{}\n{}\n", output.say("help.examples"), verb.get_footer());
  return made;
}

std::string exit_codes_text(const Output& output) {
  std::string made = output.say("help.exit_codes") + "\n";
  for (const ExitClass& each : exit_classes()) {
    made += fmt::format("{:>5}  {:<12} {}\n", static_cast<int>(each.status), each.name,
                        output.say(each.text_id));
  }
  return made;
}

std::string completion_script(const CLI::App& root, bool zsh, std::span<const ExtraVerb> extra) {
  std::string top = words_after(root, root);
  for (const ExtraVerb& each : extra) top += " " + each.name;
  std::string cases;
  for (const CLI::App* verb : verbs_of(root)) {
    // What follows a verb without others below it may be anything, and its options still fit.
    const std::string more =
        verbs_of(*verb).empty() ? fmt::format(" | '{} '*", verb->get_name()) : "";
    cases += fmt::format("    '{}'{}) words='{}' ;;\n", verb->get_name(), more,
                         words_after(*verb, root));
    for (const CLI::App* below : verbs_of(*verb)) {
      cases += fmt::format("    '{} {}') words='{}' ;;\n", verb->get_name(), below->get_name(),
                           words_after(*below, root));
    }
  }
  std::string made = zsh ? "#compdef berth\nautoload -U +X bashcompinit && bashcompinit\n" : "";
  made +=
      "_berth() {\n"
      "  local current=${COMP_WORDS[COMP_CWORD]} path='' words='' word i\n"
      "  for ((i = 1; i < COMP_CWORD && i < 3; i++)); do\n"
      "    word=${COMP_WORDS[i]}\n"
      "    [[ $word == -* ]] && break\n"
      "    path=\"${path:+$path }$word\"\n"
      "  done\n"
      "  case $path in\n";
  made += fmt::format("    '') words='{}' ;;\n{}", top, cases);
  made +=
      "  esac\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
      "}\n"
      "complete -o default -F _berth berth\n";
  return made;
}

}  // namespace cli
