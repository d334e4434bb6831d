#include <gtest/gtest.h>

#include "cli/fakes/scripted_environment.h"
#include "cli/run.h"

namespace cli {
namespace {

class MistakesTest : public testing::Test {
 protected:
  MistakesTest() { world.variables = {{"BERTH_SERVER", "http://head:7070"}}; }
  int berth(std::vector<const char*> words) {
    words.insert(words.begin(), "berth");
    world.error.clear();
    return run(static_cast<int>(words.size()), words.data(), world);
  }
  bool complains(std::string_view text) const { return world.error.contains(text); }

  fakes::ScriptedEnvironment world;
};

TEST_F(MistakesTest, AreSaidInTheReadersLanguage) {
  struct Case {
    std::vector<const char*> words;
    const char* english;
    const char* chinese;
  };
  const std::vector<Case> cases{
      {{"job", "show"},
       "berth: JOB is missing (see: berth job show --help)\n",
       "berth: 缺少 JOB（参见：berth job show --help）\n"},
      {{"jobs", "--limit", "x"}, "--limit: 'x' is no number", "--limit：'x' 不是数字"},
      {{"jobs", "--limit"}, "--limit needs a value", "--limit 需要一个值"},
      {{"completion", "fish"},
       "shell: 'fish' is not one of bash, zsh",
       "shell：'fish' 不在可选值之中：bash, zsh"},
      {{"run", "echo", "it's"}, "berth run -- echo 'it'\\''s'", "命令要写在 -- 之后"},
      {{"submit", "--by", "tuseday", "--", "a"},
       "--by: 'tuseday' is no moment; write 2h",
       "--by：'tuseday' 不是时刻；请写 2h（从现在起）、"},
      {{"submit", "--memory", "2 boxes", "--", "a"},
       "'2 boxes' is no amount of memory",
       "'2 boxes' 不是内存大小；请写 2GiB, 512MB 或 16G"},
      {{"submit", "--by", "now", "--", "a"},
       "the deadline lies before the earliest start",
       "截止时间早于最早开始时间"},
  };
  for (const Case& each : cases) {
    world.variables.erase("LANG");
    EXPECT_EQ(berth(each.words), 2);
    EXPECT_TRUE(complains(each.english)) << world.error;
    world.variables["LANG"] = "zh_CN.UTF-8";
    EXPECT_EQ(berth(each.words), 2);
    EXPECT_TRUE(complains(each.chinese)) << world.error;
  }
  world.files["/home/li/project/a.yaml"] = "name: a\ncommnad: b\n";
  EXPECT_EQ(berth({"submit", "a.yaml"}), 2);
  EXPECT_EQ(world.error, "berth: a.yaml：第 2 行：未知的键 'commnad'；是否应为 'command'？\n");
  EXPECT_TRUE(world.server->requests.empty());
}

}  // namespace
}  // namespace cli
