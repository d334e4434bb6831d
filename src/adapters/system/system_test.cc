#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <thread>
#include <vector>

#include "adapters/system/certificate.h"
#include "adapters/system/fast_clock.h"
#include "adapters/system/file.h"
#include "adapters/system/secrets.h"
#include "adapters/system/system_clock.h"

namespace adapters::system {
namespace {

using base::ErrorCode;

/// A folder that is removed with all that is in it.
class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / ("berth-test-" + random_id())) {
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

mode_t mode_of(const std::string& path) {
  struct stat found{};
  EXPECT_EQ(::stat(path.c_str(), &found), 0) << path;
  return found.st_mode & 07777U;
}

TEST(SystemClock, reads_the_present_in_milliseconds) {
  const std::int64_t before_s = ::time(nullptr);
  const domain::Time now = SystemClock().now();
  EXPECT_GE(now.ms, before_s * 1'000);
  EXPECT_LE(now.ms, (before_s + 5) * 1'000);
}

TEST(Secrets, tokens_and_ids_are_url_safe_and_never_repeat) {
  std::set<std::string> seen;
  for (int i = 0; i < 1'000; ++i) {
    const std::string token = random_token();
    EXPECT_EQ(token.size(), 43U);
    EXPECT_TRUE(std::ranges::all_of(token, [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '-' || c == '_';
    })) << token;
    const std::string id = random_id();
    EXPECT_EQ(id.size(), 16U);
    EXPECT_TRUE(std::ranges::all_of(id, [](unsigned char c) {
      return std::islower(c) != 0 || std::isdigit(c) != 0;
    })) << id;
    seen.insert(token);
    seen.insert(id);
  }
  EXPECT_EQ(seen.size(), 2'000U);
}

TEST(Secrets, a_password_is_known_again_and_another_is_not) {
  const auto hash = password_hash("correct horse");
  ASSERT_TRUE(hash) << hash.error().message;
  EXPECT_TRUE(hash->starts_with("$argon2id$")) << *hash;
  EXPECT_TRUE(password_verify(*hash, "correct horse"));
  EXPECT_FALSE(password_verify(*hash, "correct horsf"));
  EXPECT_FALSE(password_verify("not a hash", "correct horse"));
  EXPECT_NE(*hash, *password_hash("correct horse")) << "the salt must differ";
}

TEST(Secrets, a_token_hash_is_blake2b_256) {
  // The value comes from `printf abc | b2sum -l 256`.
  EXPECT_EQ(token_hash("abc"), "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
  EXPECT_NE(token_hash("abd"), token_hash("abc"));
}

TEST(File, is_replaced_with_its_mode_and_leaves_nothing_behind) {
  const Folder folder;
  const mode_t umask_before = ::umask(077);
  ASSERT_TRUE(write_file_atomically(folder / "a", "one", 0644));
  ::umask(umask_before);
  EXPECT_EQ(mode_of(folder / "a"), 0644U);
  ASSERT_TRUE(write_file_atomically(folder / "a", std::string(100'000, 'x'), 0600));
  EXPECT_EQ(mode_of(folder / "a"), 0600U);
  EXPECT_EQ(read_file(folder / "a"), std::string(100'000, 'x'));
  const std::filesystem::directory_iterator entries(folder.path());
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1);
}

TEST(File, failures_are_named) {
  const Folder folder;
  const auto written = write_file_atomically(folder / "no/such/folder", "x", 0600);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::not_found);
  EXPECT_EQ(read_file(folder / "absent").error().code, ErrorCode::not_found);
  const auto over_folder = write_file_atomically(folder.path(), "x", 0600);
  EXPECT_FALSE(over_folder) << "a folder is not a file";
  ASSERT_TRUE(write_file_atomically(folder / "open", "x", 0640));
  const auto open = check_private(folder / "open");
  ASSERT_FALSE(open);
  EXPECT_EQ(open.error().code, ErrorCode::permission_denied);
  EXPECT_NE(open.error().message.find("mode 0640"), std::string::npos) << open.error().message;
}

TEST(CertificateAuthority, is_made_once_and_found_again) {
  const Folder folder;
  const auto first = CertificateAuthority::open_or_create(folder / "tls");
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(mode_of(folder / "tls/ca.key"), 0600U);
  EXPECT_EQ(mode_of(folder / "tls/ca.pem"), 0644U);
  const auto again = CertificateAuthority::open_or_create(folder / "tls");
  ASSERT_TRUE(again);
  EXPECT_EQ(first->cert_pem(), again->cert_pem());
}

TEST(CertificateAuthority, two_first_starts_make_one) {
  const Folder folder;
  std::vector<std::string> certificates(4);
  {
    std::vector<std::jthread> starters;
    for (std::string& certificate : certificates) {
      starters.emplace_back([&certificate, path = folder.path()] {
        certificate = CertificateAuthority::open_or_create(path)->cert_pem();
      });
    }
  }
  for (const std::string& certificate : certificates) EXPECT_EQ(certificate, certificates[0]);
}

TEST(CertificateAuthority, refuses_a_key_that_is_open_or_lost_or_foreign) {
  const Folder folder;
  ASSERT_TRUE(CertificateAuthority::open_or_create(folder / "a"));
  ASSERT_TRUE(CertificateAuthority::open_or_create(folder / "b"));
  ASSERT_EQ(::chmod((folder / "a/ca.key").c_str(), 0644), 0);
  const auto open = CertificateAuthority::open_or_create(folder / "a");
  ASSERT_FALSE(open);
  EXPECT_EQ(open.error().code, ErrorCode::permission_denied);

  std::filesystem::remove(folder / "a/ca.key");
  EXPECT_EQ(CertificateAuthority::open_or_create(folder / "a").error().code, ErrorCode::data_loss);

  std::filesystem::copy_file(folder / "b/ca.key", folder / "a/ca.key");
  EXPECT_EQ(CertificateAuthority::open_or_create(folder / "a").error().code, ErrorCode::data_loss);
}

TEST(CertificateAuthority, makes_the_certificate_again_if_a_crash_left_only_the_key) {
  const Folder folder;
  ASSERT_TRUE(CertificateAuthority::open_or_create(folder.path()));
  std::filesystem::remove(folder / "ca.pem");
  EXPECT_TRUE(CertificateAuthority::open_or_create(folder.path()));
}

TEST(CertificateAuthority, refuses_names_that_are_none) {
  const Folder folder;
  const auto authority = CertificateAuthority::open_or_create(folder.path());
  ASSERT_TRUE(authority);
  for (const std::string name : {"a,IP:1.2.3.4", "", "a b", "x\n"}) {
    const auto issued = authority->issue({.common_name = "x", .subject_alt_names = {name}});
    ASSERT_FALSE(issued) << name;
    EXPECT_EQ(issued.error().field, "subject_alt_names");
  }
  EXPECT_EQ(authority->issue({.common_name = ""}).error().field, "common_name");
  EXPECT_TRUE(authority->issue(
      {.common_name = "x", .subject_alt_names = {"*.berth.test", "10.0.0.1", "::1"}}));
}

TEST(CertificateAuthority, signs_a_request_but_not_a_tampered_one) {
  const Folder folder;
  const auto authority = CertificateAuthority::open_or_create(folder.path());
  ASSERT_TRUE(authority);
  const auto request = make_csr("node-17");
  ASSERT_TRUE(request) << request.error().message;
  const auto chain =
      authority->sign_csr(request->csr_pem, {.common_name = "", .usage = CertificateUsage::client});
  ASSERT_TRUE(chain) << chain.error().message;
  EXPECT_TRUE(chain->ends_with(authority->cert_pem()));
  EXPECT_NE(*fingerprint(*chain), *fingerprint(authority->cert_pem()));

  std::string tampered = request->csr_pem;
  const std::size_t middle = tampered.size() / 2;
  tampered[middle] = tampered[middle] == 'A' ? 'B' : 'A';
  EXPECT_EQ(authority->sign_csr(tampered, {}).error().field, "csr");
  EXPECT_EQ(authority->sign_csr("hello", {}).error().field, "csr");
}

TEST(CertificateAuthority, a_fingerprint_is_the_sha256_that_openssl_prints) {
  const Folder folder;
  const auto authority = CertificateAuthority::open_or_create(folder.path());
  ASSERT_TRUE(authority);
  const auto print = fingerprint(authority->cert_pem());
  ASSERT_TRUE(print);
  EXPECT_EQ(print->size(), 64U);
  EXPECT_EQ(print->find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_FALSE(fingerprint("no certificate"));
}

TEST(FastClock, PassesItsScaleOfTheMachinesTimeAndRestsForThatMuchLess) {
  constexpr std::int32_t kScale = 500;
  const FastClock clock({1'000'000}, kScale);
  const auto began = std::chrono::steady_clock::now();
  EXPECT_GE(clock.now(), domain::Time{1'000'000});
  const domain::Time then = clock.now() + domain::kSecond * 10;
  const domain::Duration rest = clock.rest_until(then);
  EXPECT_GT(rest, domain::Duration{});
  EXPECT_LE(rest, domain::Duration{20});
  while (clock.now() < then) std::this_thread::sleep_for(std::chrono::milliseconds(rest.ms));
  EXPECT_EQ(clock.rest_until(then), domain::Duration{});
  const auto took = std::chrono::steady_clock::now() - began;
  EXPECT_GE(took, std::chrono::milliseconds(19));  // Ten seconds there are 20 ms here.
}

}  // namespace
}  // namespace adapters::system
