// The variables of huggingface_hub.
#include "hub/environment.h"

#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "refusal.h"
#include "temporary_folder.h"

namespace unclip {
namespace {

struct EnvironmentTest : testing::Test {
  TemporaryFolder folder;

  EnvironmentTest() {
    for (const char* name : {"HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_ENDPOINT", "HF_TOKEN",
                             "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "HF_HUB_OFFLINE",
                             "TRANSFORMERS_OFFLINE", "XDG_CACHE_HOME", "HF_HUB_DISABLE_IMPLICIT_TOKEN"})
      unsetenv(name);
    set("HOME", folder.path.string());
  }
  static void set(const char* name, const std::string& value) { setenv(name, value.c_str(), 1); }
};

TEST_F(EnvironmentTest, HasTheLibrarysDefaults) {
  const HubEnvironment found = HubEnvironment::read();
  EXPECT_EQ(found.cache, folder.path / ".cache/huggingface/hub");
  EXPECT_EQ(found.endpoint, "https://huggingface.co");
  EXPECT_EQ(found.token, "");
  EXPECT_FALSE(found.offline);
}

TEST_F(EnvironmentTest, FindsTheCache) {
  set("XDG_CACHE_HOME", "/caches");
  EXPECT_EQ(HubEnvironment::read().cache, "/caches/huggingface/hub");
  set("HF_HOME", "~/hf");
  EXPECT_EQ(HubEnvironment::read().cache, folder.path / "hf/hub");
  set("HF_HUB_CACHE", "/disk/models");
  EXPECT_EQ(HubEnvironment::read().cache, "/disk/models");
  set("HF_HUB_CACHE", "");
  EXPECT_EQ(HubEnvironment::read().cache, folder.path / "hf/hub");
}

TEST_F(EnvironmentTest, WithoutHomeAsksThePasswordDatabase) {
  const passwd* user = getpwuid(getuid());
  if (user == nullptr) GTEST_SKIP() << "this user has no entry";
  const std::filesystem::path home = user->pw_dir;
  set("HOME", "");
  EXPECT_EQ(HubEnvironment::read().cache, home / ".cache/huggingface/hub");
  unsetenv("HOME");
  EXPECT_EQ(HubEnvironment::read().cache, home / ".cache/huggingface/hub");
  set("HF_HOME", "~/hf");
  EXPECT_EQ(HubEnvironment::read().cache, home / "hf/hub");
}

TEST_F(EnvironmentTest, FindsTheToken) {
  set("HF_HOME", folder.path.string());
  std::ofstream(folder.path / "token") << "hf_file\n";
  EXPECT_EQ(HubEnvironment::read().token, "hf_file");
  set("HF_TOKEN", " hf_variable ");
  EXPECT_EQ(HubEnvironment::read().token, "hf_variable");
  set("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1");
  EXPECT_EQ(HubEnvironment::read().token, "");
}

TEST_F(EnvironmentTest, RefusesATokenThatWouldAddHeadersAndDoesNotShowIt) {
  set("HF_TOKEN", "hf_secret\r\nX-Other: 1");
  const std::string text = refusal(ExitCode::usage, [] { HubEnvironment::read(); });
  EXPECT_NE(text.find("HF_TOKEN"), std::string::npos) << text;
  EXPECT_EQ(text.find("hf_secret"), std::string::npos) << text;
}

TEST_F(EnvironmentTest, ReadsEndpointAndOffline) {
  set("HF_ENDPOINT", "http://127.0.0.1:1234//");
  EXPECT_EQ(HubEnvironment::read().endpoint, "http://127.0.0.1:1234");
  for (const char* bad : {"ftp://x", "file:///etc", "huggingface.co", "http://a b"}) {
    set("HF_ENDPOINT", bad);
    expect_refusal(ExitCode::usage, "HF_ENDPOINT", [] { HubEnvironment::read(); });
  }
  unsetenv("HF_ENDPOINT");
  for (const char* yes : {"1", "true", "Yes", "on"}) {
    set("HF_HUB_OFFLINE", yes);
    EXPECT_TRUE(HubEnvironment::read().offline) << yes;
  }
  set("HF_HUB_OFFLINE", "0");
  EXPECT_FALSE(HubEnvironment::read().offline);
}

}  // namespace
}  // namespace unclip
