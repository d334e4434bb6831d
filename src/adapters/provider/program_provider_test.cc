#include "adapters/provider/program_provider.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "base/check.h"
#include "base/json.h"

namespace adapters::provider {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

/// No test waits so long for something that goes well.
constexpr auto kLong = std::chrono::minutes(1);

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

class ProgramProviderTest : public testing::Test {
 protected:
  ProgramProviderTest() {
    folder = testing::TempDir() + "provider_XXXXXX";
    CHECK(::mkdtemp(folder.data()), "the folder for temporary files can be written");
    program = folder + "/power";
  }
  ~ProgramProviderTest() override { std::filesystem::remove_all(folder); }

  void write(const std::string& lines) {
    std::ofstream(program) << "#!/bin/sh\n" << lines << "\n";
    CHECK(::chmod(program.c_str(), 0700) == 0, "our own file");
  }
  std::unique_ptr<ProgramProvider> open(milliseconds limit = kLong, milliseconds grace = kLong) {
    auto opened = ProgramProvider::open({program, limit, grace});
    CHECK(opened, opened.error().message);
    return *std::move(opened);
  }
  std::string refusal(const std::string& path) {
    const auto opened = ProgramProvider::open({path});
    if (opened) return "";
    return opened.error().message;
  }
  base::Error fails(const std::string& lines) {
    write(lines);
    const auto done = open()->resume({"n1"});
    CHECK(!done, "the program fails");
    return done.error();
  }
  std::string in_folder(const std::string& name) const { return folder + "/" + name; }

  std::string folder;
  std::string program;
};

TEST_F(ProgramProviderTest, OpensOnlyAProgramThatOthersCannotChange) {
  EXPECT_EQ(refusal("power"), "power is not an absolute path");
  EXPECT_EQ(refusal(""), " is not an absolute path");
  EXPECT_EQ(refusal(program), program + ": No such file or directory");
  EXPECT_EQ(refusal(folder), folder + " is not a file");
  write("exit 0");
  EXPECT_EQ(refusal(program), "");
  ASSERT_EQ(::chmod(program.c_str(), 0600), 0);
  EXPECT_EQ(refusal(program), program + " may not be executed");
  for (const mode_t mode : {0720, 0702}) {
    ASSERT_EQ(::chmod(program.c_str(), mode), 0);
    EXPECT_EQ(refusal(program), program + " may be changed by others");
  }
}

TEST_F(ProgramProviderTest, OpensNoProgramOfSomebodyElse) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  write("exit 0");
  ASSERT_EQ(::chown(program.c_str(), 1, 1), 0);
  EXPECT_EQ(refusal(program), program + " belongs to neither root nor the user that Berth runs as");
}

TEST_F(ProgramProviderTest, TheProgramGetsItsWordsAndAnEnvironmentOfItsOwn) {
  ::setenv("BERTH_SECRET_OF_THE_TEST", "x", 1);
  write(R"(d=${0%/*}
printf '%s|' "$#" "$@" > $d/arguments
env > $d/environment
pwd > $d/place
cat > $d/input)");
  const auto provider = open();
  ASSERT_TRUE(provider->resume({"n 1;$(id)"})) << "no shell sees it";
  ::unsetenv("BERTH_SECRET_OF_THE_TEST");
  EXPECT_EQ(text_of(in_folder("arguments")), "2|resume|n 1;$(id)|");
  EXPECT_EQ(text_of(in_folder("place")), "/\n");
  EXPECT_EQ(text_of(in_folder("input")), "");
  std::set<std::string> names;
  std::istringstream lines(text_of(in_folder("environment")));
  for (std::string line; std::getline(lines, line);) {
    const std::string name = line.substr(0, line.find('='));
    if (name != "PWD" && name != "_" && name != "SHLVL" && name != "OLDPWD") names.insert(name);
    if (name == "BERTH_NODE") EXPECT_EQ(line, "BERTH_NODE=n 1;$(id)");
    if (name == "BERTH_POWER") EXPECT_EQ(line, "BERTH_POWER=resume");
  }
  EXPECT_EQ(names, (std::set<std::string>{"BERTH_NODE", "BERTH_POWER", "HOME", "LANG", "PATH"}));
  ASSERT_TRUE(provider->suspend({"n2"}));
  EXPECT_EQ(text_of(in_folder("arguments")), "2|suspend|n2|");
  EXPECT_NE(text_of(in_folder("environment")).find("BERTH_POWER=suspend\n"), std::string::npos);
}

TEST_F(ProgramProviderTest, TheProgramHasNoFileOfOursAndNoBlockedSignal) {
  // Would be inherited; the shell keeps files of its own open, all with lower numbers.
  const int low = ::open("/dev/null", O_RDONLY);
  const int ours = ::fcntl(low, F_DUPFD, 50);
  ::close(low);
  write(R"(d=${0%/*}
exec > $d/seen
for file in /proc/$$/fd/*; do [ ${file##*/} -lt 50 ] || echo $file; done
grep -E 'SigBlk|SigIgn' /proc/self/status | sed 's/[0-9a-f]*\(.......\)$/\1/')");
  const auto pipe_before = ::signal(SIGPIPE, SIG_IGN);
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const auto done = open()->resume({"n1"});
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::signal(SIGPIPE, pipe_before);
  ::close(ours);
  ASSERT_TRUE(done) << done.error().message;
  const std::string seen = text_of(in_folder("seen"));
  // The masks are those of the first 28 signals.
  EXPECT_EQ(seen, "SigBlk:\t0000000\nSigIgn:\t0000000\n");
}

TEST_F(ProgramProviderTest, AFailureHasTheExitStatusAndTheLastLine) {
  const std::string what = program + " resume n1: ";
  const auto error = fails("echo first; echo 'no route to n1' >&2; echo; exit 3");
  EXPECT_EQ(error.code, ErrorCode::unavailable);
  EXPECT_EQ(error.message, what + "exit status 3: no route to n1");
  EXPECT_EQ(fails("exit 4").message, what + "exit status 4");
  EXPECT_EQ(fails("kill -9 $$").message, what + "signal 9");
  EXPECT_EQ(fails("printf 'a\\033[31mb\\tc\\r\\n'; exit 1").message,
            what + "exit status 1: a [31mb c");
}

TEST_F(ProgramProviderTest, WhatIsShownIsShortAndValid) {
  const std::string what = program + " resume n1: exit status 1: ";
  EXPECT_EQ(fails("printf 'a\\377b'; exit 1").message, what +
                                                           "a\xEF\xBF\xBD"
                                                           "b");
  // 299 letters and one of two bytes, which does not fit any more.
  const auto error = fails("printf '%0299d\\303\\251xyz' 0; exit 1");
  EXPECT_EQ(error.message, what + std::string(299, '0'));
  EXPECT_TRUE(base::is_utf8(error.message));
}

TEST_F(ProgramProviderTest, MuchOutputHoldsNothingUp) {
  const auto error = fails("head -c 3000000 /dev/zero | tr '\\0' x; echo; echo the end; exit 1");
  EXPECT_TRUE(error.message.ends_with("exit status 1: the end")) << error.message.substr(0, 300);
}

TEST_F(ProgramProviderTest, AFileThatCannotBeRunIsAnError) {
  write("exit 0");
  const auto provider = open();
  std::filesystem::remove(program);
  const auto done = provider->suspend({"n1"});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::unavailable);
  EXPECT_EQ(done.error().message,
            program + " suspend n1: cannot be started: No such file or directory");
}

/// A pipe whose other end every process of a program holds: it hangs up when all are gone.
class Lifeline {
 public:
  explicit Lifeline(const std::string& path) {
    CHECK(::mkfifo(path.c_str(), 0600) == 0, "a new name");
    file_ = ::open(path.c_str(), O_RDONLY | O_NONBLOCK);
  }
  ~Lifeline() { ::close(file_); }
  Lifeline(const Lifeline&) = delete;
  Lifeline& operator=(const Lifeline&) = delete;

  /// Waits for the first byte.
  bool begins() const {
    pollfd watched{file_, POLLIN, 0};
    return ::poll(&watched, 1, 60'000) == 1;
  }
  bool all_are_gone() const {
    char bytes[16];
    pollfd watched{file_, POLLIN, 0};
    while (::poll(&watched, 1, 60'000) == 1) {
      if (::read(file_, bytes, sizeof bytes) <= 0) return true;
    }
    return false;
  }

 private:
  int file_ = -1;
};

/// Has n1 resumed, stops the provider once the program has begun, at `begin`, and returns what was
/// answered.
base::Result<> stopped_when_up(ProgramProvider& provider, const Lifeline& life,
                               Clock::time_point& begin) {
  base::Result<> done;
  const auto call = [&] { done = provider.resume({"n1"}); };
  std::jthread caller(call);
  EXPECT_TRUE(life.begins());
  begin = Clock::now();
  provider.stop();
  caller.join();
  return done;
}

TEST_F(ProgramProviderTest, WhatTakesTooLongIsEndedWithItsGroup) {
  const Lifeline life(in_folder("life"));
  write("exec 5> ${0%/*}/life; echo x >&5; echo waiting; sleep 1000 & sleep 1000");
  const auto done = open(milliseconds(1'000))->resume({"n1"});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::unavailable);
  EXPECT_EQ(done.error().message, program + " resume n1: was ended after 1000 ms: waiting");
  EXPECT_TRUE(life.all_are_gone());
}

TEST_F(ProgramProviderTest, WhatDoesNotHearIsKilled) {
  const Lifeline life(in_folder("life"));
  write("exec 5> ${0%/*}/life; trap '' TERM; echo x >&5\nwhile :; do sleep 1000; done");
  const auto provider = open(kLong, milliseconds(100));
  Clock::time_point begin;
  EXPECT_FALSE(stopped_when_up(*provider, life, begin));
  EXPECT_GE(Clock::now() - begin, milliseconds(100));
  EXPECT_TRUE(life.all_are_gone());
}

TEST_F(ProgramProviderTest, IsAskedToEndBeforeItIsKilled) {
  const Lifeline life(in_folder("life"));
  write(R"(trap 'echo tidied > ${0%/*}/end; exit 0' TERM
exec 5> ${0%/*}/life; echo x >&5
while :; do sleep 0.05; done)");
  const auto provider = open();
  Clock::time_point begin;
  EXPECT_FALSE(stopped_when_up(*provider, life, begin)) << "also if it ends well then";
  EXPECT_EQ(text_of(in_folder("end")), "tidied\n");
}

TEST_F(ProgramProviderTest, WhatItLeavesRunningDoesNotHoldItUp) {
  const Lifeline life(in_folder("life"));
  write("exec 5> ${0%/*}/life; sleep 1000 & echo $! > ${0%/*}/left; echo x >&5");
  const auto begin = Clock::now();
  EXPECT_TRUE(open()->resume({"n1"}));
  EXPECT_LT(Clock::now() - begin, kLong);
  EXPECT_EQ(::kill(std::stoi(text_of(in_folder("left"))), SIGKILL), 0) << "it goes on";
  EXPECT_TRUE(life.all_are_gone());
}

TEST_F(ProgramProviderTest, StopEndsWhatRunsAndRefusesWhatComes) {
  const Lifeline life(in_folder("life"));
  write("exec 5> ${0%/*}/life; echo x >&5; sleep 1000");
  const auto provider = open();
  Clock::time_point begin;
  const auto done = stopped_when_up(*provider, life, begin);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::unavailable);
  EXPECT_EQ(done.error().message, program + " resume n1: was ended because Berth stops");
  EXPECT_TRUE(life.all_are_gone());
  const auto later = provider->suspend({"n1"});
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().message, program + " suspend n1: Berth stops");
}

}  // namespace
}  // namespace adapters::provider
