// The cache's layout on a real disk.
#include "hub/cache.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <fstream>

#include "refusal.h"
#include "temporary_folder.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

struct CacheTest : testing::Test {
  TemporaryFolder folder;
  HubCache cache{folder.path / "hub"};
  RepoRevision repo{.repo = {"org", "name"}, .revision = "refs/pr/1"};
  std::string commit = std::string(40, 'a');
  std::vector<RemoteFile> files{{"model_index.json", 2, std::string(40, 'b')},
                                {"prior/config.json", 2, std::string(40, 'c')}};

  void fill() {
    cache.prepare(repo.repo);
    for (const RemoteFile& file : files) std::ofstream(cache.blob(repo.repo, file.etag)) << "{}";
    cache.publish(repo, commit, files);
  }
};

TEST_F(CacheTest, LinksRelativelyAndFindsByRefAndCommit) {
  fill();
  const fs::path snapshot = folder.path / "hub/models--org--name/snapshots" / commit;
  EXPECT_EQ(fs::read_symlink(snapshot / "model_index.json"), "../../blobs/" + std::string(40, 'b'));
  EXPECT_EQ(fs::read_symlink(snapshot / "prior/config.json"), "../../../blobs/" + std::string(40, 'c'));
  EXPECT_EQ(cache.find(repo), snapshot);
  EXPECT_EQ(cache.find({.repo = repo.repo, .revision = commit}), snapshot);
  EXPECT_EQ(cache.find({.repo = repo.repo}), std::nullopt);
  EXPECT_EQ(cache.find({.repo = {"org", "other"}}), std::nullopt);
  EXPECT_EQ(repo_of_snapshot(snapshot), repo.repo);
  EXPECT_EQ(repo_of_snapshot(snapshot / ""), repo.repo);
  EXPECT_EQ(repo_of_snapshot(snapshot / "prior"), std::nullopt);
  fs::remove(snapshot / "model_index.json");
  EXPECT_EQ(cache.find(repo), std::nullopt) << "not whole";
  std::ofstream(folder.path / "hub/models--org--name/refs/bad") << "../../../..";
  EXPECT_EQ(cache.find({.repo = repo.repo, .revision = "bad"}), std::nullopt);
}

TEST_F(CacheTest, ListsModels) {
  EXPECT_TRUE(cache.list().empty());
  fill();
  std::ofstream(cache.blob(repo.repo, std::string(40, 'd') + ".incomplete")) << "12345";
  fs::create_directories(folder.path / "hub/datasets--org--name/blobs");
  fs::create_directories(folder.path / "hub/models--gpt2/snapshots");
  fs::create_directories(folder.path / "hub/models--gpt2/refs");
  std::ofstream(folder.path / "hub/models--gpt2/refs/main") << std::string(5000, 'x');  // leads nowhere
  const auto models = cache.list();
  ASSERT_EQ(models.size(), 2U);
  EXPECT_EQ(models[0].name, "gpt2");
  EXPECT_EQ(models[1].name, "org/name");
  EXPECT_EQ(models[1].bytes, 9U);
  ASSERT_EQ(models[1].snapshots.size(), 1U);
  EXPECT_EQ(models[1].snapshots[0].commit, commit);
  EXPECT_EQ(models[1].snapshots[0].refs, std::vector<std::string>{"refs/pr/1"});
}

TEST_F(CacheTest, RemovesAModelAndNothingElse) {
  fill();
  const fs::path outside = folder.path / "outside";
  fs::create_directories(outside / "refs");
  std::ofstream(outside / "refs/keep") << "x";
  fs::create_directory_symlink(outside, folder.path / "hub/models--org--name/linked");
  fs::create_directory_symlink(outside, folder.path / "hub/models--org--link");
  for (const char* name : {"", "org", "..", "../outside", "org/nam", "name", "org--name"})
    expect_refusal(ExitCode::model, "not in the cache", [&] { cache.remove(name); });
  EXPECT_EQ(cache.remove("org/name"), 4U);
  EXPECT_FALSE(fs::exists(folder.path / "hub/models--org--name"));
  EXPECT_FALSE(fs::exists(folder.path / "hub/.locks/models--org--name"));
  EXPECT_EQ(cache.remove("org/link"), 0U);
  EXPECT_FALSE(fs::exists(fs::symlink_status(folder.path / "hub/models--org--link")));
  EXPECT_TRUE(fs::exists(outside / "refs/keep"));
}

TEST_F(CacheTest, DoesNotRemoveWhatIsBeingFetched) {
  fill();
  const int lock = ::open(cache.lock(repo.repo, files[0].etag).c_str(), O_RDWR | O_CREAT, 0666);
  ASSERT_EQ(::flock(lock, LOCK_EX), 0);
  expect_refusal(ExitCode::io, "another process is fetching it", [&] { cache.remove("org/name"); });
  EXPECT_TRUE(cache.find(repo));
  ::close(lock);
  EXPECT_GT(cache.remove("org/name"), 0U);
}

TEST_F(CacheTest, TellsWhereItCannotWrite) {
  std::ofstream(folder.path / "hub") << "a file";
  expect_refusal(ExitCode::io, "HF_HUB_CACHE", [&] { cache.prepare(repo.repo); });
}

}  // namespace
}  // namespace unclip
