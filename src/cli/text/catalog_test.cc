#include "cli/text/catalog.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

namespace cli::text {
namespace {

std::set<std::string> placeholders(std::string_view text) {
  static const std::regex kPattern(R"(\{[0-9]\})");
  const std::string copy(text);
  std::set<std::string> found;
  for (std::sregex_iterator it(copy.begin(), copy.end(), kPattern), end; it != end; ++it) {
    found.insert(it->str());
  }
  return found;
}

std::vector<Entry> all() {
  std::vector<Entry> entries;
  for (const auto part :
       {messages(), verbs(), examples(), options(), limits(), closures(), serving(), reports()}) {
    entries.insert(entries.end(), part.begin(), part.end());
  }
  return entries;
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) { return c < 0x80; });
}

/// The code of some folders, without its tests.
std::string sources(std::initializer_list<const char*> folders) {
  const char* root = std::getenv("BERTH_SOURCE_DIR");
  std::stringstream text;
  for (const char* folder : folders) {
    const auto path = std::filesystem::path(root ? root : ".") / folder;
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      const std::string name = entry.path().filename();
      if (name.ends_with(".cc") && !name.ends_with("_test.cc")) {
        text << std::ifstream(entry.path()).rdbuf();
      }
    }
  }
  return text.str();
}

TEST(Catalog, EveryEntryHasBothLanguagesWithTheSamePlaceholders) {
  for (const Entry& entry : all()) {
    EXPECT_FALSE(entry.en.empty()) << entry.id;
    EXPECT_FALSE(entry.zh.empty()) << entry.id;
    EXPECT_TRUE(is_ascii(entry.en)) << entry.id;
    EXPECT_EQ(placeholders(entry.en), placeholders(entry.zh)) << entry.id;
  }
}

TEST(Catalog, ErrorsInEnglishAreKnownInChinese) {
  for (const words::Entry& entry : known()) {
    EXPECT_TRUE(is_ascii(entry.en)) << entry.en;
    EXPECT_EQ(placeholders(entry.en), placeholders(entry.zh)) << entry.en;
  }
  EXPECT_EQ(translate(Language::en, "a.yaml: line 3: memory: expected one value"),
            "a.yaml: line 3: memory: expected one value");
  EXPECT_EQ(translate(Language::zh, "a.yaml: line 3: memory: expected one value"),
            "a.yaml：第 3 行：memory：应为单个值");
  EXPECT_EQ(translate(Language::zh, "unknown key 'commnad'; did you mean 'command'?"),
            "未知的键 'commnad'；是否应为 'command'？");
  EXPECT_EQ(translate(Language::zh, "'x' is no moment; write 2h (from now), 'thu 18:00'"),
            "'x' 不是时刻；请写 2h（从现在起）、'thu 18:00'");
}

TEST(Catalog, PlaceholdersAreReplacedInOrder) {
  EXPECT_EQ(say(Language::en, "why.blocker", {"7", "noon"}), "job 7, until noon");
  EXPECT_NE(say(Language::zh, "why.blocker", {"7", "noon"}).find("noon"), std::string::npos);
}

TEST(Catalog, EveryIdThatTheCodeNamesExistsAndIsFilled) {
  const std::string code = sources({"src/cli"});
  ASSERT_FALSE(code.empty()) << "set BERTH_SOURCE_DIR";
  // Ids stand in the code as whole strings: say("offer.line", {...}).
  const std::regex id(
      R"re("((?:cause|closure|day|state|column|word|offer|quote|refused|refusal|submit|jobs|job|)re"
      R"re(extend|quota|why|metrics|files|get|nodes|node|team|user|token|grant|)re"
      R"re(statement|money|prices|login|whoami|version|note|end|ask|hint|error|report|)re"
      R"re(exit|help|option|verb|examples)\.[a-z0-9_-]+)")re");
  std::set<std::string> named;
  for (std::sregex_iterator it(code.begin(), code.end(), id), end; it != end; ++it) {
    named.insert((*it)[1]);
  }
  EXPECT_GT(named.size(), 150U);
  for (const std::string& each : named) EXPECT_TRUE(has(each)) << each;
}

TEST(Catalog, EveryEntryIsUsed) {
  const std::string code = sources({"src/cli", "src/apps/berth"});
  // These ids are made from words that come from elsewhere.
  const std::regex made(
      "(cause|day|state|stated|note|money|option|verb|examples)\\..*|serving\\.(up|controller|"
      "agent|"
      "option).*");
  for (const Entry& entry : all()) {
    const std::string id(entry.id);
    if (std::regex_match(id, made)) continue;
    EXPECT_NE(code.find("\"" + id + "\""), std::string::npos) << id << " is not used";
  }
}

TEST(Catalog, EveryVerbHasTwoExamples) {
  for (const Entry& entry : verbs()) {
    const std::string id = "examples." + std::string(entry.id.substr(5));
    ASSERT_TRUE(has(id)) << id;
    for (const Language language : {Language::en, Language::zh}) {
      const std::string_view text = find(language, id);
      EXPECT_GE(std::ranges::count(text, '#'), 2) << id;
    }
  }
  EXPECT_EQ(verbs().size(), examples().size());
}

TEST(Catalog, LanguageComesFromTheLocale) {
  EXPECT_EQ(language_of("zh_CN.UTF-8"), Language::zh);
  EXPECT_EQ(language_of("zh"), Language::zh);
  EXPECT_EQ(language_of("en_US.UTF-8"), Language::en);
  EXPECT_EQ(language_of("C"), Language::en);
  EXPECT_EQ(language_of(""), Language::en);
}

}  // namespace
}  // namespace cli::text
