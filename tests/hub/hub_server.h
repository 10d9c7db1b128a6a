// A hub on this machine for tests: hub_server.py as a child process, over repositories that the test writes.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "temporary_folder.h"

namespace unclip {

// Bytes that no two sizes or seeds share.
inline std::string test_bytes(std::size_t size, unsigned seed = 1) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>((seed = seed * 1664525U + 1013904223U) >> 24);
  return bytes;
}

// The first partial file in `blobs` of more than `bytes`; empty if none comes within ten seconds. A file may
// get its final name between two questions.
inline std::filesystem::path partial_download(const std::filesystem::path& blobs, std::uintmax_t bytes) {
  for (int i = 0; i < 1000; ++i, usleep(10'000)) {
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(blobs, none))
      if (entry.path().extension() == ".incomplete" && entry.file_size(none) > bytes && !none)
        return entry.path();
  }
  return {};
}

class HubServer {
 public:
  std::filesystem::path root() const { return folder_.path / "repositories"; }

  void add(const std::string& repo, const std::string& file, const std::string& bytes) const {
    const std::filesystem::path path = root() / repo / file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
  }

  // `settings`: those of hub_server.py.
  void start(const nlohmann::json& settings = nlohmann::json::object()) {
    stop();
    std::filesystem::create_directories(root());
    int in[2], out[2];
    ASSERT_EQ(::pipe(in), 0);
    ASSERT_EQ(::pipe(out), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(in[0], STDIN_FILENO);
      ::dup2(out[1], STDOUT_FILENO);
      ::close(in[1]);
      ::execlp("python3", "python3", UNCLIP_TEST_DATA "/../hub/hub_server.py", root().c_str(), log().c_str(),
               nullptr);
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    input_ = in[1];
    const std::string line = settings.dump() + '\n';
    ASSERT_EQ(::write(input_, line.data(), line.size()), static_cast<ssize_t>(line.size()));
    std::FILE* answer = ::fdopen(out[0], "r");
    ASSERT_EQ(std::fscanf(answer, "%d %d", &port_, &cdn_port_), 2) << "is python3 installed?";
    std::fclose(answer);
  }

  ~HubServer() { stop(); }

  void stop() {
    if (pid_ < 0) return;
    ::close(input_);
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

  std::string endpoint() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int cdn_port() const { return cdn_port_; }

  // One object a request: method, path, port, status, range, sent, authorization.
  std::vector<nlohmann::json> requests() const {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));  // the last one is noted after its answer
    std::vector<nlohmann::json> all;
    std::ifstream in(log());
    for (std::string line; std::getline(in, line);) all.push_back(nlohmann::json::parse(line));
    return all;
  }

  // Of bodies whose path contains `part`.
  std::uint64_t bytes_sent(const std::string& part) const {
    std::uint64_t sum = 0;
    for (const auto& request : requests())
      if (request["path"].get<std::string>().find(part) != std::string::npos)
        sum += request["sent"].get<std::uint64_t>();
    return sum;
  }

 private:
  std::filesystem::path log() const { return folder_.path / "log"; }

  TemporaryFolder folder_;
  pid_t pid_ = -1;
  int input_ = -1, port_ = 0, cdn_port_ = 0;
};

}  // namespace unclip
