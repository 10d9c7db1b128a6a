// One cache for us and for the Python library huggingface_hub, both ways; skipped where python3 has no such
// library.
#include <gtest/gtest.h>

#include <cstdio>

#include "hub/cache.h"
#include "hub/tiny_repo.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

struct LibraryTest : TinyRepoTest {
  void SetUp() override {
    if (std::system("python3 -c 'import huggingface_hub' 2> /dev/null") != 0)
      GTEST_SKIP() << "python3 has no huggingface_hub";
  }

  // The last line that a script prints; it gets the cache as its environment says.
  std::string python(const std::string& script) const {
    const std::string command = "HF_HUB_CACHE='" + environment.cache.string() + "' HF_HOME='" +
                                (folder.path / "home").string() + "' HF_ENDPOINT=" + environment.endpoint +
                                " HF_HUB_DISABLE_PROGRESS_BARS=1 python3 -c '" + script + "'";
    std::FILE* pipe = popen(command.c_str(), "r");
    std::string out(4096, '\0');
    out.resize(fread(out.data(), 1, out.size(), pipe));
    EXPECT_EQ(pclose(pipe), 0) << script;
    while (out.ends_with('\n')) out.pop_back();
    return out.substr(out.rfind('\n') + 1);
  }
};

TEST_F(LibraryTest, ReadsTheCacheThatWeWrote) {
  start();
  const Pulled pulled = pull_it();
  EXPECT_EQ(python("from huggingface_hub import snapshot_download\n"
                   "print(snapshot_download(\"org/tiny\", local_files_only=True))"),
            pulled.folder.string());
  EXPECT_EQ(
      python("from huggingface_hub import scan_cache_dir\n"
             "found = scan_cache_dir()\n"
             "assert not found.warnings, found.warnings\n"
             "repo, = found.repos\n"
             "revision, = repo.revisions\n"
             "print(repo.repo_id, revision.commit_hash, *revision.refs, repo.size_on_disk, repo.nb_files)"),
      "org/tiny " + pulled.commit + " main " + std::to_string(pulled.bytes) + " 3");
}

TEST_F(LibraryTest, AddsToTheCacheThatWeWrote) {
  start();
  pull_it();
  python("from huggingface_hub import snapshot_download\nprint(snapshot_download(\"org/tiny\"))");
  EXPECT_EQ(hub.bytes_sent("prior/diffusion_pytorch_model.safetensors"), weights.size()) << "fetched again";
  EXPECT_EQ(pull_it().fetched, 0U);
}

TEST_F(LibraryTest, WritesACacheThatWeUse) {
  start();
  const fs::path theirs =
      python("from huggingface_hub import snapshot_download\nprint(snapshot_download(\"org/tiny\"))");
  const HubCache cache(environment.cache);
  EXPECT_EQ(cache.find(repo), theirs);
  ASSERT_EQ(cache.list().size(), 1U);
  EXPECT_EQ(cache.list()[0].name, "org/tiny");
  EXPECT_GE(cache.list()[0].bytes, weights.size());
  const Pulled pulled = pull_it();
  EXPECT_EQ(pulled.fetched, 0U);
  EXPECT_EQ(pulled.folder, theirs);
  cache.remove("org/tiny");
  EXPECT_EQ(python("from huggingface_hub import scan_cache_dir\nprint(len(scan_cache_dir().repos))"), "0");
}

TEST_F(LibraryTest, WaitsForItsLock) {
  start({{{"path", "signature"}, {"rate", 1'000'000}}});
  const pid_t child = fork();
  if (child == 0) {
    python("from huggingface_hub import snapshot_download\nprint(snapshot_download(\"org/tiny\"))");
    _exit(0);
  }
  const auto begun = [&] {
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(model() / "blobs", none))
      if (entry.path().extension() == ".incomplete" &&
          entry.path().native().find("/blobs/") + 71 < entry.path().native().size())
        return true;
    return false;
  };
  for (int i = 0; i < 1000 && !begun(); ++i) usleep(10'000);
  pull_it();
  waitpid(child, nullptr, 0);
  EXPECT_EQ(hub.bytes_sent("prior/diffusion_pytorch_model.safetensors"), weights.size());
}

}  // namespace
}  // namespace unclip
