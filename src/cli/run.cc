#include "cli/run.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>

#include "base/check.h"
#include "cli/help.h"
#include "cli/nearest.h"
#include "cli/usage.h"
#include "cli/verbs.h"

namespace cli {
namespace {

using namespace std::string_view_literals;
using text::Language;

/// The arguments, cut at "--".
struct Typed {
  std::vector<std::string> words;
  std::optional<std::vector<std::string>> command;
};

Typed cut(int argc, const char* const* argv) {
  Typed typed;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (typed.command) {
      typed.command->emplace_back(word);
    } else if (word == "--") {
      typed.command.emplace();
    } else {
      typed.words.emplace_back(word);
    }
  }
  return typed;
}

constexpr std::array kCommonWithValue{"--server"sv, "--token"sv, "--lang"sv};

/// Where the verb stands among the words; their number if there is none.
std::size_t verb_position(const std::vector<std::string>& words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (!words[i].starts_with('-')) return i;
    if (std::ranges::find(kCommonWithValue, words[i]) != kCommonWithValue.end()) ++i;
  }
  return words.size();
}

std::string option_value(const std::vector<std::string>& words, std::string_view name) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == name && i + 1 < words.size()) return words[i + 1];
    if (words[i].starts_with(std::string(name) + "=")) return words[i].substr(name.size() + 1);
  }
  return "";
}

/// --lang, else the first of LC_ALL, LC_MESSAGES and LANG that is set.
Language language(const std::vector<std::string>& words, const Environment& environment) {
  const std::string wanted = option_value(words, "--lang");
  if (!wanted.empty()) return text::language_of(wanted);
  for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    const auto locale = environment.variable(name);
    if (locale && !locale->empty()) return text::language_of(*locale);
  }
  return Language::en;
}

std::vector<const CLI::App*> verbs_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

/// The verb `name` directly below `app`; null if there is none.
const CLI::App* find_verb(const CLI::App& app, std::string_view name) {
  for (const CLI::App* each : verbs_of(app)) {
    if (each->get_name() == name) return each;
  }
  return nullptr;
}

/// The whole tree of verbs for one call.
class Program {
 public:
  Program(Context& context, std::span<const ExtraVerb> extra)
      : verbs_{context}, extra_(extra), app_(context.say("verb.berth"), "berth") {
    app_.footer(context.say("examples.berth"));
    app_.fallthrough();
    app_.require_subcommand(1);
    set_help(app_);
    app_.add_flag("--json", json_, context.say("option.json"));
    app_.add_option("--lang", language_, context.say("option.lang"))
        ->type_name("en|zh")
        ->check(CLI::IsMember({"en", "zh"}));
    app_.add_option("--server", context.server, context.say("option.server"))->type_name("URL");
    app_.add_option("--token", context.token, context.say("option.token"))->type_name("TOKEN");
    app_.add_flag("--yes,-y", context.yes, context.say("option.yes"));
    add_bid_verbs(verbs_, app_);
    add_job_verbs(verbs_, app_);
    add_node_verbs(verbs_, app_);
    add_people_verbs(verbs_, app_);
    add_money_verbs(verbs_, app_);
    add_limit_verbs(verbs_, app_);
    add_login_verbs(verbs_, app_);
    add_report_verbs(verbs_, app_);
    add_sim_verbs(verbs_, app_);
    add_help_verbs();
  }

  int run() {
    try {
      std::vector<std::string> words = context().words;
      std::ranges::reverse(words);
      app_.parse(words);
    } catch (const CLI::CallForHelp&) {
      return show_help(parsed_path());
    } catch (const CLI::ParseError& error) {
      return wrong_usage(error);
    }
    CHECK(verbs_.chosen, "a parsed command line has a verb");
    auto status = verbs_.chosen();
    return status ? *status : static_cast<int>(context().output.error(status.error()));
  }

 private:
  Context& context() { return verbs_.context; }
  void set_help(CLI::App& verb) { verb.set_help_flag("--help,-h", context().say("option.help")); }

  void add_help_verbs() {
    add_verb(verbs_, app_, "help", [this] { return base::Result<int>(show_help(topic_)); })
        .add_option("topic", topic_, context().say("option.topic"))
        ->type_name("VERB");
    add_verb(verbs_, app_, "completion",
             [this] {
               context().output.raw(completion_script(app_, shell_ == "zsh", extra_));
               return base::Result<int>(0);
             })
        .add_option("shell", shell_, context().say("option.shell"))
        ->required()
        ->type_name("bash|zsh")
        ->check(CLI::IsMember({"bash", "zsh"}));
  }

  /// The verbs that were recognised before parsing stopped.
  std::vector<std::string> parsed_path() const {
    std::vector<std::string> path;
    const CLI::App* verb = &app_;
    while (!verb->get_subcommands().empty()) {
      verb = verb->get_subcommands().front();
      path.push_back(verb->get_name());
    }
    return path;
  }

  int show_help(const std::vector<std::string>& path) {
    if (path.size() == 1 && path.front() == "exit-codes") {
      context().output.raw(exit_codes_text(context().output));
      return 0;
    }
    for (const ExtraVerb& each : extra_) {
      if (!path.empty() && path.front() == each.name) return each.run({"--help"});
    }
    const CLI::App* verb = &app_;
    for (const std::string& word : path) {
      const CLI::App* below = find_verb(*verb, word);
      if (!below) return unknown_verb(*verb, word);
      verb = below;
    }
    const std::string name = fmt::format("{}", fmt::join(path, " "));
    context().output.raw(help_text(*verb, app_, name, context().output, extra_));
    return 0;
  }

  int unknown_verb(const CLI::App& where, const std::string& word) {
    std::vector<std::string> names;
    std::string below;
    for (const CLI::App* each : verbs_of(where)) {
      names.push_back(each->get_name());
      if (below.empty() && find_verb(*each, word)) below = each->get_name() + " " + word;
    }
    for (const ExtraVerb& each : extra_) names.push_back(each.name);
    const std::vector<std::string_view> choices(names.begin(), names.end());
    const std::string_view near = below.empty() ? nearest(word, choices) : below;
    return usage_error(near.empty()
                           ? context().say("error.unknown_verb", {printable(word)})
                           : context().say("error.unknown_verb_near", {printable(word), near}));
  }

  int usage_error(const std::string& message) {
    const base::Error error{base::ErrorCode::invalid_argument, message};
    return static_cast<int>(context().output.error(error));
  }

  int wrong_usage(const CLI::ParseError& error) {
    const std::vector<std::string> path = parsed_path();
    const CLI::App* verb = &app_;
    for (const std::string& word : path) verb = find_verb(*verb, word);
    const auto below = verbs_of(*verb);
    const std::size_t at = verb_position(context().words) + path.size();
    const bool has_word = at < context().words.size() && !context().words[at].starts_with('-');
    if (!below.empty() && has_word) return unknown_verb(*verb, context().words[at]);
    if (!below.empty() && context().words.size() <= at) {
      show_help(path);
      return static_cast<int>(ExitStatus::usage);
    }
    const std::string message = usage_text(error, {context().words, *verb, app_}, context().output);
    const std::string name = fmt::format("{}{}", path.empty() ? "" : " ", fmt::join(path, " "));
    return usage_error(context().say("error.usage", {message, name}));
  }

  Verbs verbs_;
  std::span<const ExtraVerb> extra_;
  CLI::App app_;
  bool json_ = false;
  std::string language_;
  std::vector<std::string> topic_;
  std::string shell_;
};

}  // namespace

CLI::App& add_verb(Verbs& verbs, CLI::App& parent, std::string_view path, Verbs::Action action) {
  const std::string name(path.substr(path.rfind(' ') + 1));
  const Context& context = verbs.context;
  CLI::App* verb = parent.add_subcommand(name, context.say(fmt::format("verb.{}", path)));
  verb->set_help_flag("--help,-h", context.say("option.help"));
  verb->footer(context.say(fmt::format("examples.{}", path)));
  if (!action) {
    verb->require_subcommand(1);
    return *verb;
  }
  verb->require_subcommand(0, 1);
  // A verb below this one has its say first.
  verb->callback([&verbs, action = std::move(action)] {
    if (!verbs.chosen) verbs.chosen = action;
  });
  return *verb;
}

int run(int argc, const char* const* argv, Environment& environment,
        std::span<const ExtraVerb> extra) {
  Typed typed = cut(argc, argv);
  const std::size_t at = verb_position(typed.words);
  for (const ExtraVerb& each : extra) {
    if (at == typed.words.size() || typed.words[at] != each.name) continue;
    std::vector<std::string> rest(typed.words.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                                  typed.words.end());
    if (typed.command) {
      rest.emplace_back("--");
      rest.insert(rest.end(), typed.command->begin(), typed.command->end());
    }
    return each.run(rest);
  }
  const bool json = std::ranges::find(typed.words, "--json") != typed.words.end();
  Output output(environment, language(typed.words, environment), json);
  output.hide(option_value(typed.words, "--token"));
  if (std::ranges::find(typed.words, "--version") != typed.words.end()) {
    output.line(fmt::format("berth {}", kVersion));
    return 0;
  }
  Context context{environment, output, std::move(typed.words), std::move(typed.command)};
  return Program(context, extra).run();
}

}  // namespace cli
