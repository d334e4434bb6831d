#include "cli/job_file.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <set>

#include "cli/job_file_elastic.h"
#include "cli/nearest.h"
#include "cli/parents.h"

namespace cli {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 20;
constexpr std::size_t kMostItems = 1'000;
constexpr std::int32_t kMostRanks = 100'000;

/// Where a file lies and when it is read.
struct Place {
  const std::string& folder;
  const Here& here;
};

base::Result<std::string> scalar(const YAML::Node& node) {
  if (!node.IsScalar()) return base::invalid("", "expected one value");
  return node.Scalar();
}

base::Result<std::vector<std::string>> list(const YAML::Node& node) {
  if (!node.IsSequence()) return base::invalid("", "expected a list");
  if (node.size() > kMostItems) return base::invalid("", "at most {} items", kMostItems);
  std::vector<std::string> items;
  for (const YAML::Node& item : node) {
    auto value = scalar(item);
    if (!value) return base::pass(value);
    items.push_back(*std::move(value));
  }
  return items;
}

/// Stores a result in `to`, or hands its error on.
template <class T>
base::Result<> keep(base::Result<T> from, std::optional<T>& to) {
  if (!from) return base::pass(from);
  to = *std::move(from);
  return {};
}

/// A reader of a key whose value is one word: `parse` turns the word into `member`.
template <auto member, auto parse>
base::Result<> word(JobRequest& request, const YAML::Node& node, const Place&) {
  auto text = scalar(node);
  if (!text) return base::pass(text);
  return keep(parse(*text), request.*member);
}

base::Result<std::string> any_text(std::string_view text) {
  if (text.empty()) return base::invalid("", "expected a text, got nothing");
  return std::string(text);
}
base::Result<std::int32_t> parse_ranks(std::string_view text) {
  return parse_whole(text, 1, kMostRanks);
}
base::Result<std::int32_t> parse_priority(std::string_view text) {
  return parse_whole(text, -100, 100);
}
base::Result<std::int32_t> parse_retries(std::string_view text) {
  return parse_whole(text, 0, 100);
}
base::Result<std::int32_t> parse_count(std::string_view text) {
  return parse_whole(text, 1, 10'000);
}

template <auto member>
base::Result<> moment(JobRequest& request, const YAML::Node& node, const Place& place) {
  auto text = scalar(node);
  if (!text) return base::pass(text);
  return keep(parse_moment(*text, place.here), request.*member);
}

base::Result<> add_parents(JobRequest& request, std::string_view text, domain::When when) {
  auto parents = parse_parents(text, when);
  if (!parents) return base::pass(parents);
  request.parents.insert(request.parents.end(), parents->begin(), parents->end());
  return {};
}

/// {job: 12, when: any} or {name: prep}
base::Result<> parent(JobRequest& request, const YAML::Node& node) {
  std::string text;
  auto when = domain::When::success;
  for (const auto& entry : node) {
    auto key = scalar(entry.first);
    auto value = scalar(entry.second);
    if (!key || !value) return base::invalid("", "expected {{job: 12, when: success}}");
    if (*key == "when") {
      auto parsed = parse_when(*value);
      if (!parsed) return base::pass(parsed);
      when = *parsed;
    } else if ((*key == "job" || *key == "name") && text.empty()) {
      text = *value;
    } else {
      return base::invalid("", "unknown key '{}'; known are job or name, and when", *key);
    }
  }
  return add_parents(request, text, when);
}

/// A moment or jobs, or a list of jobs.
base::Result<> after(JobRequest& request, const YAML::Node& node, const Place& place) {
  if (node.IsScalar()) return read_after(request, node.Scalar(), place.here);
  if (!node.IsSequence()) return base::invalid("", "expected a moment, a job or a list of jobs");
  if (node.size() > kMostItems) return base::invalid("", "at most {} items", kMostItems);
  for (const YAML::Node& item : node) {
    auto good = item.IsMap() ? parent(request, item)
                : item.IsScalar()
                    ? add_parents(request, item.Scalar(), domain::When::success)
                    : base::Result<>(base::invalid("", "expected {{job: 12, when: success}}"));
    if (!good) return good;
  }
  return {};
}

base::Result<> command(JobRequest& request, const YAML::Node& node, const Place&) {
  if (node.IsScalar()) {
    request.command = std::vector<std::string>{"/bin/sh", "-c", node.Scalar()};
    if (node.Scalar().empty()) return base::invalid("", "the command is empty");
    return {};
  }
  auto items = list(node);
  if (items && items->empty()) return base::invalid("", "the command is empty");
  return keep(std::move(items), request.command);
}

/// A path that may be relative to the folder of the file.
template <auto member>
base::Result<> path(JobRequest& request, const YAML::Node& node, const Place& place) {
  auto text = scalar(node);
  if (!text) return base::pass(text);
  if (text->empty()) return base::invalid("", "expected a path, got nothing");
  request.*member = path_below(place.folder, *text);
  return {};
}

base::Result<> env(JobRequest& request, const YAML::Node& node, const Place&) {
  if (!node.IsMap()) return base::invalid("", "expected NAME: value lines");
  if (node.size() > kMostItems) return base::invalid("", "at most {} variables", kMostItems);
  for (const auto& entry : node) {
    auto key = scalar(entry.first);
    auto value = scalar(entry.second);
    if (!key || !value) return base::invalid("", "expected NAME: value lines");
    if (key->empty() || key->contains('=')) {
      return base::invalid("", "'{}' is no name of a variable", *key);
    }
    request.env.insert_or_assign(*std::move(key), *std::move(value));
  }
  return {};
}

base::Result<> outputs(JobRequest& request, const YAML::Node& node, const Place&) {
  return keep(list(node), request.outputs);
}

base::Result<JobRequest> read_document(const YAML::Node& document, const Place& place);

/// A list of what a job file may say, for each.
template <auto member>
base::Result<> requests(JobRequest& request, const YAML::Node& node, const Place& place) {
  if (!node.IsSequence() || node.size() == 0) return base::invalid("", "expected a list of jobs");
  if (node.size() > kMostItems) return base::invalid("", "at most {} items", kMostItems);
  for (const YAML::Node& item : node) {
    auto each = read_document(item, place);
    if (!each) return base::pass(each);
    if (!each->jobs.empty() || !each->alternatives.empty())
      return base::invalid("", "jobs and alternatives are not nested");
    (request.*member).push_back(*std::move(each));
  }
  return {};
}

base::Result<> repeat(JobRequest& request, const YAML::Node& node, const Place& place) {
  if (!node.IsMap()) return base::invalid("", "expected {{every: 1d, times: 5}}");
  for (const auto& entry : node) {
    auto key = scalar(entry.first);
    auto value = scalar(entry.second);
    if (!key || !value) return base::invalid("", "expected {{every: 1d, times: 5}}");
    base::Result<> good;
    if (*key == "every") {
      good = keep(parse_duration(*value), request.every);
    } else if (*key == "times") {
      good = keep(parse_times(*value), request.times);
    } else if (*key == "until") {
      good = keep(parse_moment(*value, place.here), request.until);
    } else {
      return base::invalid("", "unknown key '{}'; known are every, times, until", *key);
    }
    if (!good) return good;
  }
  return {};
}

base::Result<> elastic(JobRequest& request, const YAML::Node& node, const Place&) {
  return keep(read_elastic(node), request.elastic);
}

struct Key {
  std::string_view name;
  base::Result<> (*read)(JobRequest&, const YAML::Node&, const Place&);
};

constexpr std::array kKeys{
    Key{"name", word<&JobRequest::name, any_text>},
    Key{"command", command},
    Key{"workdir", path<&JobRequest::workdir>},
    Key{"env", env},
    Key{"conda", path<&JobRequest::conda>},
    Key{"venv", path<&JobRequest::venv>},
    Key{"framework", word<&JobRequest::framework, parse_framework>},
    Key{"ranks", word<&JobRequest::ranks, parse_ranks>},
    Key{"gpus", word<&JobRequest::gpus, parse_gpus>},
    Key{"cores", word<&JobRequest::cpu_millis, parse_cores>},
    Key{"memory", word<&JobRequest::memory_bytes, parse_bytes>},
    Key{"pool", word<&JobRequest::pool, any_text>},
    Key{"placement", word<&JobRequest::placement, parse_placement>},
    Key{"duration", word<&JobRequest::duration, parse_duration>},
    Key{"by", moment<&JobRequest::by>},
    Key{"after", after},
    Key{"at", moment<&JobRequest::at>},
    Key{"class", word<&JobRequest::job_class, parse_class>},
    Key{"max_price", word<&JobRequest::max_price, parse_credits>},
    Key{"priority", word<&JobRequest::priority, parse_priority>},
    Key{"preemptible", word<&JobRequest::preemptible, parse_duration>},
    Key{"elastic", elastic},
    Key{"retries", word<&JobRequest::retries, parse_retries>},
    Key{"grace", word<&JobRequest::grace, parse_duration>},
    Key{"outputs", outputs},
    Key{"count", word<&JobRequest::count, parse_count>},
    Key{"repeat", repeat},
    Key{"alternatives", requests<&JobRequest::alternatives>},
    Key{"choose", word<&JobRequest::choose, parse_choose>},
    Key{"jobs", requests<&JobRequest::jobs>},
};

constexpr auto kKeyNames = [] {
  std::array<std::string_view, kKeys.size()> names;
  std::ranges::transform(kKeys, names.begin(), &Key::name);
  return names;
}();

std::string shown(std::string_view text) {
  constexpr std::size_t kMost = 60;
  std::string made(text.substr(0, kMost));
  std::ranges::replace_if(made, [](unsigned char c) { return c < 0x20; }, ' ');
  return made;
}

base::Result<> read_entry(JobRequest& request, const std::string& name, const YAML::Node& value,
                          const Place& place) {
  const auto key = std::ranges::find(kKeys, name, &Key::name);
  if (key == kKeys.end()) {
    const std::string_view near = nearest(name, kKeyNames);
    return near.empty() ? base::invalid(shown(name), "unknown key '{}'; known are {}", shown(name),
                                        fmt::join(kKeyNames, ", "))
                        : base::invalid(shown(name), "unknown key '{}'; did you mean '{}'?",
                                        shown(name), near);
  }
  auto good = key->read(request, value, place);
  if (good) return {};
  base::Error error = std::move(good).error();
  return std::unexpected(std::move(error).while_doing(name).in_field(name));
}

base::Result<JobRequest> read_document(const YAML::Node& document, const Place& place) {
  if (!document.IsMap()) {
    return base::invalid("", "a job file has 'key: value' lines, such as 'command: python a.py'");
  }
  JobRequest request;
  std::set<std::string> seen;
  for (const auto& entry : document) {
    const auto line = fmt::format("line {}", entry.first.Mark().line + 1);
    if (!entry.first.IsScalar()) return base::invalid("", "{}: a key must be one word", line);
    const std::string& name = entry.first.Scalar();
    if (!seen.insert(name).second) {
      return base::invalid(shown(name), "{}: '{}' is there twice", line, shown(name));
    }
    if (auto good = read_entry(request, name, entry.second, place); !good) {
      return std::unexpected(std::move(good).error().while_doing(line));
    }
  }
  return request;
}

template <class E>
struct Choice {
  std::string_view word;
  E value;
};

template <class E, std::size_t n>
base::Result<E> choose(std::string_view word, const std::array<Choice<E>, n>& choices) {
  std::vector<std::string_view> words;
  for (const auto& choice : choices) {
    if (choice.word == word) return choice.value;
    words.push_back(choice.word);
  }
  return base::invalid("", "'{}' is not one of {}", shown(word), fmt::join(words, ", "));
}

}  // namespace

base::Result<JobRequest> parse_job_file(std::string_view yaml, const std::string& folder,
                                        const Here& here) {
  if (yaml.size() > kMostBytes) return base::invalid("", "a job file has at most 1 MiB");
  try {
    return read_document(YAML::Load(std::string(yaml)), {folder, here});
  } catch (const YAML::Exception& thrown) {
    return base::invalid("", "line {}: not YAML: {}", thrown.mark.line + 1, thrown.msg);
  } catch (const std::exception& thrown) {
    return base::invalid("", "not YAML: {}", thrown.what());
  }
}

base::Result<> read_after(JobRequest& request, std::string_view text, const Here& here) {
  if (!is_job_numbers(text)) {
    auto moment = parse_moment(text, here);
    if (moment) return keep(std::move(moment), request.after);
    const bool is_name = !text.empty() && std::isalpha(static_cast<unsigned char>(text[0])) != 0 &&
                         text.find_first_of(" :") == text.npos;
    if (!is_name) return base::pass(moment);
  }
  return add_parents(request, text, domain::When::success);
}

std::span<const std::string_view> job_file_keys() { return kKeyNames; }

base::Result<domain::Placement> parse_placement(std::string_view word) {
  using enum domain::Placement;
  return choose(word,
                std::array{Choice{"any", any}, Choice{"packed", packed}, Choice{"spread", spread}});
}

base::Result<domain::Choose> parse_choose(std::string_view word) {
  using enum domain::Choose;
  return choose(word, std::array{Choice{"cheapest", cheapest}, Choice{"first", first}});
}

base::Result<std::int32_t> parse_times(std::string_view text) { return parse_whole(text, 1, 100); }

base::Result<domain::Framework> parse_framework(std::string_view word) {
  using enum domain::Framework;
  return choose(word, std::array{Choice{"plain", plain}, Choice{"pytorch", pytorch}});
}

base::Result<domain::JobClass> parse_class(std::string_view word) {
  using enum domain::JobClass;
  return choose(
      word, std::array{Choice{"reserved", reserved}, Choice{"eager", eager}, Choice{"flex", flex}});
}

std::string path_below(const std::string& folder, std::string_view path) {
  std::string joined = path.starts_with('/') ? std::string(path) : folder + "/" + std::string(path);
  std::string made;
  std::size_t at = 0;
  while (at < joined.size()) {
    const std::size_t end = std::min(joined.find('/', at), joined.size());
    const std::string part = joined.substr(at, end - at);
    at = end + 1;
    if (!part.empty() && part != ".") made += "/" + part;
  }
  return made.empty() ? "/" : made;
}

}  // namespace cli
