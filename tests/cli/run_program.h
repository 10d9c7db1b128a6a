// Runs the real program as a child process: arguments in; exit code or signal, stdout and stderr out.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace unclip::testing_program {

namespace fs = std::filesystem;
using Arguments = std::vector<std::string>;

struct Result {
  int code = -1;   // of a normal end
  int signal = 0;  // that ended it otherwise
  std::string out, err;
};

inline std::string read_file(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

// Runs a command line of /bin/sh, in which $UNCLIP is the program, on one thread; all that it says goes to
// `log`. Its exit code, or -1 where a signal ended it.
inline int run_shell(const std::string& command, const fs::path& log) {
  const std::string all =
      "export UNCLIP='" UNCLIP_BINARY "' OMP_NUM_THREADS=1; exec > '" + log.string() + "' 2>&1; " + command;
  const int status = std::system(all.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// What to change in the child before the program starts: limits, descriptors, folder.
using Prepare = std::function<void()>;

class Program {
 public:
  explicit Program(const Arguments& arguments, const Prepare& prepare = {}) {
    out_ = memfd_create("out", MFD_CLOEXEC);
    err_ = memfd_create("err", MFD_CLOEXEC);
    for (const int file : {out_, err_}) fcntl(file, F_SETFL, O_APPEND);  // several workers may write at once
    std::vector<char*> argv{const_cast<char*>(UNCLIP_BINARY)};
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ != 0) return;
    dup2(out_, STDOUT_FILENO);
    dup2(err_, STDERR_FILENO);
    setenv("OMP_NUM_THREADS", "1", 1);  // tiny nets; threads would only wait for each other
    unsetenv("UNCLIP_MODEL");
    const rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    if (prepare) prepare();
    execv(UNCLIP_BINARY, argv.data());
    _exit(126);
  }

  void kill(int signal) const { ::kill(pid_, signal); }

  // True once something stands on stdout; false where the program ends without, or after a minute.
  bool has_printed() const {
    for (int i = 0; i < 6000 && lseek(out_, 0, SEEK_END) == 0 && !has_ended(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return lseek(out_, 0, SEEK_END) > 0;
  }

  // Lines on stdout so far; all that can be where the program has ended.
  size_t printed() const {
    const std::string text = text_of(out_);
    return has_ended() ? SIZE_MAX : static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
  }

  long resident_kilobytes() const {
    std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
    for (std::string line; std::getline(status, line);)
      if (line.starts_with("VmRSS:")) return std::stol(line.substr(6));
    return 0;
  }

  // `use`: what it took, where that is asked.
  Result wait(rusage* use = nullptr) {
    int status = 0;
    wait4(pid_, &status, 0, use);
    Result result{WIFEXITED(status) ? WEXITSTATUS(status) : -1, WIFSIGNALED(status) ? WTERMSIG(status) : 0,
                  text_of(out_), text_of(err_)};
    close(out_);
    close(err_);
    return result;
  }

 private:
  bool has_ended() const {
    siginfo_t end{};
    return waitid(P_PID, static_cast<id_t>(pid_), &end, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           end.si_pid == pid_;
  }

  static std::string text_of(int descriptor) {
    std::string text(static_cast<size_t>(lseek(descriptor, 0, SEEK_END)), '\0');
    text.resize(static_cast<size_t>(std::max<ssize_t>(0, pread(descriptor, text.data(), text.size(), 0))));
    return text;
  }

  int out_, err_;
  pid_t pid_;
};

inline Result run(const Arguments& arguments, const Prepare& prepare = {}) {
  return Program(arguments, prepare).wait();
}

inline Prepare in_folder(const fs::path& folder) {
  return [folder] { std::filesystem::current_path(folder); };
}

// The documented code, nothing but an "error:" with all `words` and a next step; no trace of the inside.
inline void expect_error(const Result& result, int code, const std::vector<std::string>& words) {
  EXPECT_EQ(result.code, code) << "signal " << result.signal << '\n' << result.err;
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err.rfind("error: ", 0), 0U) << result.err;
  EXPECT_NE(result.err.find("\nerror:   "), std::string::npos) << "no next step in: " << result.err;
  for (const std::string& word : words)
    EXPECT_NE(result.err.find(word), std::string::npos) << "no '" << word << "' in: " << result.err;
  for (const char* inside : {"frame #", "Exception raised", "terminate called", "\x1b", "basic_string"})
    EXPECT_EQ(result.err.find(inside), std::string::npos) << result.err;
}

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

inline size_t files_in(const fs::path& folder) {
  return static_cast<size_t>(std::distance(fs::recursive_directory_iterator(folder), {}));
}

}  // namespace unclip::testing_program
