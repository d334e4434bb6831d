#include "api/schema_check.h"

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>

namespace api {

struct SchemaCheck::Document {
  YAML::Node root;

  /// Follows a $ref, if there is one.
  YAML::Node resolved(YAML::Node node) const {
    while (node.IsMap() && node["$ref"]) {
      const auto path = node["$ref"].as<std::string>();
      YAML::Node at;
      at.reset(root);
      std::size_t begin = 2;  // After "#/".
      while (begin <= path.size()) {
        const std::size_t end = std::min(path.find('/', begin), path.size());
        at.reset(at[path.substr(begin, end - begin)]);
        begin = end + 1;
      }
      CHECK(at.IsDefined() && !at.IsNull(), "a $ref leads somewhere");
      node.reset(at);
    }
    return node;
  }

  YAML::Node operation(const std::string& method, std::string pattern) const {
    const std::size_t rest = pattern.find("...}");
    if (rest != pattern.npos) pattern.erase(rest, 3);
    std::string verb = method == "WS" ? "GET" : method;
    std::ranges::transform(verb, verb.begin(), [](char c) { return static_cast<char>(c | 0x20); });
    const YAML::Node path = root["paths"][pattern];
    return path ? path[verb] : YAML::Node(YAML::NodeType::Undefined);
  }

  YAML::Node schema_of(const YAML::Node& content) const {
    const YAML::Node json = content["application/json"];
    return json ? json["schema"] : YAML::Node(YAML::NodeType::Undefined);
  }

  static bool is_of(const std::string& type, const boost::json::value& value) {
    if (type == "string") return value.is_string();
    if (type == "integer") return value.is_int64() || value.is_uint64();
    if (type == "number") return value.is_number();
    if (type == "boolean") return value.is_bool();
    if (type == "array") return value.is_array();
    return type == "object" && value.is_object();
  }

  std::string object_problem(const YAML::Node& schema, const boost::json::object& object,
                             const std::string& where) const {
    for (const YAML::Node& name : schema["required"]) {
      if (!object.contains(name.as<std::string>())) {
        return where + " lacks " + name.as<std::string>();
      }
    }
    for (const auto& entry : object) {
      const std::string name(entry.key());
      const YAML::Node properties = schema["properties"];
      const YAML::Node more = schema["additionalProperties"];
      YAML::Node of = properties && properties[name] ? properties[name] : YAML::Node();
      if (of.IsNull() && more && more.IsMap()) of.reset(more);
      if (of.IsNull() && more && more.IsScalar()) return where + " has the unknown key " + name;
      if (of.IsNull()) continue;
      if (auto problem = problem_of(of, entry.value(), where + "." + name); !problem.empty()) {
        return problem;
      }
    }
    return {};
  }

  std::string problem_of(const YAML::Node& unresolved, const boost::json::value& value,
                         const std::string& where) const {
    const YAML::Node schema = resolved(unresolved);
    const YAML::Node any_of = schema["anyOf"];
    if (any_of) {
      const bool fits = std::any_of(any_of.begin(), any_of.end(), [&](const YAML::Node& each) {
        return problem_of(each, value, where).empty();
      });
      return fits ? "" : where + " fits nothing of anyOf";
    }
    for (const YAML::Node& each : schema["allOf"]) {
      if (auto problem = problem_of(each, value, where); !problem.empty()) return problem;
    }
    if (schema["type"] && !is_of(schema["type"].as<std::string>(), value)) {
      return where + " is no " + schema["type"].as<std::string>();
    }
    if (schema["enum"] && value.is_string()) {
      const std::string text(value.get_string());
      const YAML::Node all = schema["enum"];
      const bool known = std::any_of(all.begin(), all.end(), [&](const YAML::Node& each) {
        return each.as<std::string>() == text;
      });
      if (!known) return where + " is the unknown value " + text;
    }
    if (value.is_object()) return object_problem(schema, value.get_object(), where);
    if (value.is_array() && schema["items"]) {
      for (const auto& item : value.get_array()) {
        if (auto problem = problem_of(schema["items"], item, where + "[]"); !problem.empty()) {
          return problem;
        }
      }
    }
    return {};
  }
};

SchemaCheck::SchemaCheck(const std::string& yaml)
    : document_(std::make_unique<Document>(Document{YAML::Load(yaml)})) {}
SchemaCheck::~SchemaCheck() = default;

std::string SchemaCheck::answer(const std::string& method, const std::string& pattern, int status,
                                const boost::json::value& body) const {
  const YAML::Node operation = document_->operation(method, pattern);
  if (!operation) return "the specification does not know " + method + " " + pattern;
  const YAML::Node responses = operation["responses"];
  const YAML::Node exact = responses[std::to_string(status)];
  if (!exact && status < 400) return "the specification does not know the status";
  const YAML::Node response = document_->resolved(exact ? exact : responses["default"]);
  const YAML::Node schema = document_->schema_of(response["content"]);
  return schema ? document_->problem_of(schema, body, "answer") : "it is no JSON there";
}

std::string SchemaCheck::message(const std::string& pattern, const boost::json::value& body) const {
  const YAML::Node operation = document_->operation("WS", pattern);
  if (!operation || !operation["x-websocket"]) return "no stream there";
  const auto name = operation["responses"]["101"]["x-message"].as<std::string>();
  return document_->problem_of(document_->root["components"]["schemas"][name], body, "message");
}

std::string SchemaCheck::request(const std::string& method, const std::string& pattern,
                                 const boost::json::value& body) const {
  const YAML::Node operation = document_->operation(method, pattern);
  const YAML::Node wanted = operation["requestBody"];
  if (!wanted) return "no body there";
  return document_->problem_of(document_->schema_of(wanted["content"]), body, "body");
}

std::map<std::string, SchemaCheck::Operation> SchemaCheck::operations() const {
  std::map<std::string, Operation> all;
  for (const auto& path : document_->root["paths"]) {
    for (const auto& verb : path.second) {
      std::string method = verb.first.as<std::string>();
      if (method == "parameters") continue;
      std::ranges::transform(method, method.begin(),
                             [](char c) { return static_cast<char>(c & ~0x20); });
      if (verb.second["x-websocket"]) method = "WS";
      Operation operation;
      for (const YAML::Node& each : verb.second["parameters"]) {
        const YAML::Node parameter = document_->resolved(each);
        if (parameter["in"].as<std::string>() == "query") {
          operation.parameters.insert(parameter["name"].as<std::string>());
        }
      }
      operation.needs_token = !verb.second["security"];
      all.emplace(method + " " + path.first.as<std::string>(), operation);
    }
  }
  return all;
}

namespace {

constexpr const char* kSmall = R"(
paths:
  /a:
    get:
      responses:
        "200": {content: {application/json: {schema: {$ref: "#/components/schemas/A"}}}}
components:
  schemas:
    A:
      type: object
      additionalProperties: false
      required: [name]
      properties:
        name: {type: string, enum: [x, y]}
        sizes: {type: array, items: {type: integer}}
)";

std::string problem(const std::string& text) {
  return SchemaCheck(kSmall).answer("GET", "/a", 200, *base::parse_json(text));
}

TEST(SchemaCheck, FindsWhatDoesNotFit) {
  EXPECT_EQ(problem(R"({"name":"x","sizes":[1,2]})"), "");
  EXPECT_EQ(problem(R"({"sizes":[]})"), "answer lacks name");
  EXPECT_EQ(problem(R"({"name":"z"})"), "answer.name is the unknown value z");
  EXPECT_EQ(problem(R"({"name":1})"), "answer.name is no string");
  EXPECT_EQ(problem(R"({"name":"x","sizes":["a"]})"), "answer.sizes[] is no integer");
  EXPECT_EQ(problem(R"({"name":"x","other":1})"), "answer has the unknown key other");
}

}  // namespace
}  // namespace api
