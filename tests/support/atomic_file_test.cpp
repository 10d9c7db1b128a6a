// Atomic writing on real file systems: races between processes, a full disk, limits, read-only places.
#include "support/atomic_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>

#include "refused_calls.h"
#include "temporary_folder.h"
#include "unclip/error.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

class AtomicFile : public testing::Test {
 protected:
  static void write(const fs::path& path, const std::string& text, Overwrite overwrite = Overwrite::no) {
    write_file_atomically(path, std::as_bytes(std::span(text)), overwrite);
  }

  static std::string read(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  // The error's text, hint and field; checks its code.
  static std::string error_of(const fs::path& path, const std::string& text,
                              Overwrite overwrite = Overwrite::no) {
    try {
      write(path, text, overwrite);
    } catch (const Error& error) {
      EXPECT_EQ(error.code, ExitCode::io);
      return error.what() + std::string(" | ") + error.hint + " | " + error.cause.field;
    }
    return "no error";
  }

  static long files_in(const fs::path& folder) {
    return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
  }

  // Runs `body` in a child; its exit code.
  static int in_child(const std::function<int()>& body) {
    const pid_t child = fork();
    if (child == 0) {
      _exit(body());
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }

  const TemporaryFolder temporary_;
  const fs::path folder_ = temporary_.path;
};

TEST_F(AtomicFile, WritesAndMakesFolders) {
  write(folder_ / "a/b/c.png", "hello");
  EXPECT_EQ(read(folder_ / "a/b/c.png"), "hello");
  EXPECT_EQ(files_in(folder_ / "a/b"), 1);
  const fs::perms expected = fs::perms(0666 & ~[] {
    const mode_t mask = umask(0);
    umask(mask);
    return mask;
  }());
  EXPECT_EQ(fs::status(folder_ / "a/b/c.png").permissions(), expected);
}

TEST_F(AtomicFile, NamesAsLongAsTheFileSystemAllows) {
  write(folder_ / std::string(255, 'x'), "long");
  EXPECT_EQ(read(folder_ / std::string(255, 'x')), "long");
  EXPECT_NE(error_of(folder_ / std::string(256, 'x'), "longer").find("name too long"), std::string::npos);
  EXPECT_EQ(files_in(folder_), 1);
}

TEST_F(AtomicFile, OverwritesOnlyWhenTold) {
  const fs::path path = folder_ / "a.png";
  write(path, "one");
  EXPECT_EQ(error_of(path, "two"),
            "cannot write " + path.string() + ": the file already exists |  | overwrite");
  EXPECT_EQ(read(path), "one");
  write(path, "three", Overwrite::yes);
  EXPECT_EQ(read(path), "three");
  EXPECT_EQ(files_in(folder_), 1);
}

TEST_F(AtomicFile, RefusesWhatIsNoFile) {
  EXPECT_NE(error_of(folder_, "x", Overwrite::yes).find("not a regular file"), std::string::npos);
  EXPECT_NE(error_of("/dev/null", "x", Overwrite::yes).find("not a regular file"), std::string::npos);
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  write(folder_ / "file", "x");
  EXPECT_NE(error_of(folder_ / "file/a.png", "x").find("is a file"), std::string::npos);
}

TEST_F(AtomicFile, OneOfEightRacingProcessesWins) {
  constexpr int kProcesses = 8;
  for (int round = 0; round < 20; ++round) {
    const fs::path path = folder_ / ("race-" + std::to_string(round));
    int gate[2];
    ASSERT_EQ(pipe(gate), 0);
    for (int i = 0; i < kProcesses; ++i) {
      if (fork() == 0) {
        close(gate[1]);
        char byte = 0;
        [[maybe_unused]] const ssize_t end = ::read(gate[0], &byte, 1);  // until the parent closes the gate
        try {
          write(path, std::string(100'000, static_cast<char>('0' + i)));
        } catch (const Error& error) {
          _exit(error.code == ExitCode::io && std::strstr(error.what(), "already exists") != nullptr ? 100
                                                                                                     : 101);
        }
        _exit(i);
      }
    }
    close(gate[0]);
    close(gate[1]);
    std::vector<int> winners;
    int losers = 0;
    for (int i = 0; i < kProcesses; ++i) {
      int status = 0;
      wait(&status);
      WEXITSTATUS(status) == 100 ? void(++losers) : winners.push_back(WEXITSTATUS(status));
    }
    ASSERT_EQ(losers, kProcesses - 1);
    ASSERT_EQ(winners.size(), 1U);
    ASSERT_EQ(read(path), std::string(100'000, static_cast<char>('0' + winners[0])));
    ASSERT_EQ(files_in(folder_), round + 1);
  }
}

// Without renameat2 (old kernels, some network file systems), and without hard links too (exFAT, s3fs).
TEST_F(AtomicFile, NeverReplacesWhereRenameCannotRefuse) {
  const std::vector<std::pair<uint32_t, uint32_t>> no_rename{{SYS_renameat2, EINVAL}};
  std::vector<std::pair<uint32_t, uint32_t>> no_link = no_rename;
  no_link.insert(no_link.end(), {{SYS_link, EPERM}, {SYS_linkat, EPERM}});
  for (const auto& calls : {no_rename, no_link}) {
    const fs::path here = folder_ / std::to_string(calls.size());
    const int code = in_child([&] {
      if (!refuse_calls(calls)) return 77;
      write(here / "a", "one");
      fs::create_symlink("nowhere", here / "link");
      const bool refused = error_of(here / "a", "two").find("already exists") != std::string::npos &&
                           error_of(here / "link", "two").find("already exists") != std::string::npos;
      return refused && read(here / "a") == "one" && files_in(here) == 2 ? 0 : 1;
    });
    if (code == 77) GTEST_SKIP() << "no seccomp here";
    EXPECT_EQ(code, 0) << calls.size();
  }
}

TEST_F(AtomicFile, KeepsTheModeOfWhatItReplaces) {
  const fs::path path = folder_ / "a";
  write(path, "one");
  for (const unsigned mode : {0600U, 0640U, 0755U, 0444U}) {
    fs::permissions(path, fs::perms(mode));
    write(path, "two", Overwrite::yes);
    EXPECT_EQ(fs::status(path).permissions(), fs::perms(mode));
  }
}

TEST_F(AtomicFile, RemovesWhatDeadProcessesLeft) {
  EXPECT_EQ(in_child([this] {
              const rlimit most{1000, 1000};
              setrlimit(RLIMIT_FSIZE, &most);  // SIGXFSZ ends it within a write
              write(folder_ / "a", std::string(5000, 'x'));
              return 0;
            }),
            1000 + SIGXFSZ);
  EXPECT_EQ(files_in(folder_), 1) << "what it left";
  const fs::path living = folder_ / ".0123.unclip-tmp", mine = folder_ / "mine.unclip-tmp";
  std::ofstream(mine) << "mine";
  fs::create_symlink(mine, folder_ / ".link.unclip-tmp");
  mkfifo((folder_ / ".fifo.unclip-tmp").c_str(), 0600);
  const int held = open(living.c_str(), O_RDWR | O_CREAT, 0600);
  flock(held, LOCK_EX);
  remove_leftovers(folder_);
  EXPECT_EQ(files_in(folder_), 4);
  EXPECT_TRUE(fs::exists(living));
  close(held);
  EXPECT_EQ(in_child([this] {  // a new process does so when it writes
              write(folder_ / "b", "x");
              return 0;
            }),
            0);
  EXPECT_FALSE(fs::exists(living));
}

TEST_F(AtomicFile, FileSizeLimitIsAnError) {
  const int code = in_child([this] {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{4096, 4096};
    setrlimit(RLIMIT_FSIZE, &limit);
    const std::string error = error_of(folder_ / "a", std::string(10'000, 'x'));
    return error.find("ulimit -f") != std::string::npos ? 0 : 1;
  });
  EXPECT_EQ(code, 0);
  EXPECT_EQ(files_in(folder_), 0);
}

TEST_F(AtomicFile, FullDiskAndReadOnlyDisk) {
  if (mount("tmpfs", folder_.c_str(), "tmpfs", 0, "size=64k") != 0) {
    GTEST_SKIP() << "mount is not permitted here: " << std::strerror(errno);
  }
  write(folder_ / "small", std::string(1000, 'x'));
  const std::string full = error_of(folder_ / "large", std::string(1'000'000, 'x'));
  const long left = files_in(folder_);
  mount("tmpfs", folder_.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr);
  const std::string fixed = error_of(folder_ / "more", "x");
  const std::string below = error_of(folder_ / "new/more", "x");
  umount(folder_.c_str());
  EXPECT_NE(full.find("No space left on device | free some space | output"), std::string::npos) << full;
  EXPECT_EQ(left, 1);
  EXPECT_NE(fixed.find("Read-only"), std::string::npos) << fixed;
  EXPECT_NE(below.find("Read-only"), std::string::npos) << below;
}

TEST_F(AtomicFile, FolderWithoutPermission) {
  const int code = in_child([this] {
    fs::permissions(folder_, fs::perms(0555));
    if (geteuid() == 0 && seteuid(65534) != 0) {
      return 77;
    }
    const std::string error = error_of(folder_ / "a", "x");
    const std::string below = error_of(folder_ / "new/a", "x");
    const std::string denied = ": Permission denied | make the folder writable | output";
    return error.find(denied) != std::string::npos && below.find(denied) != std::string::npos ? 0 : 1;
  });
  if (code == 77) {
    GTEST_SKIP() << "cannot drop privileges";
  }
  EXPECT_EQ(code, 0);
}

}  // namespace
}  // namespace unclip
