#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"

namespace api {

/// For tests: checks values against contracts/openapi.yaml. Knows what that file uses of JSON
/// Schema: $ref, type, enum, required, properties, additionalProperties, items, allOf and anyOf.
class SchemaCheck {
 public:
  /// Reads the specification; CHECKs that it can be read.
  explicit SchemaCheck(const std::string& yaml);
  ~SchemaCheck();

  /// What is wrong with a body that `method` and `pattern` answer with under `status`, or empty.
  std::string answer(const std::string& method, const std::string& pattern, int status,
                     const boost::json::value& body) const;
  /// The same for a message of a stream.
  std::string message(const std::string& pattern, const boost::json::value& body) const;
  /// The same for a request's body.
  std::string request(const std::string& method, const std::string& pattern,
                      const boost::json::value& body) const;

  /// "GET /v1/jobs/{id}" with the names of its query parameters and whether it needs a token.
  struct Operation {
    std::set<std::string> parameters;
    bool needs_token = true;
  };
  std::map<std::string, Operation> operations() const;

 private:
  struct Document;
  std::unique_ptr<Document> document_;
};

}  // namespace api
