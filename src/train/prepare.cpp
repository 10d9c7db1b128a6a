// A lock, and a copy that can be cut off.
#include "train/prepare.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <span>
#include <vector>

#include "checkpoint/model_folder.h"
#include "support/atomic_file.h"
#include "support/interrupt.h"
#include "support/read_file.h"
#include "unclip/error.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

constexpr size_t kPiece = 1 << 20;  // bytes

void copy_whole(const fs::path& from, const fs::path& to) {
  if (fs::exists(to)) return;
  std::ifstream in(from, std::ios::binary);
  write_file_atomically(
      to,
      [&](const TakePiece& take) {
        std::vector<char> piece(kPiece);
        while (in.read(piece.data(), kPiece), in.gcount() > 0) {
          throw_if_interrupted();
          take(std::as_bytes(std::span(piece).first(static_cast<size_t>(in.gcount()))));
        }
        if (!in.eof()) throw Error(ExitCode::model, from.string() + ": cannot be read", "check its disk");
      },
      Overwrite::no);
}

}  // namespace

RunLock::RunLock(const fs::path& run) {
  std::error_code fault;
  fs::create_directories(run, fault);
  if (!fault) {
    descriptor_ = ::open((run / ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor_ < 0) fault = {errno, std::generic_category()};
  }
  if (fault)
    throw Error(ExitCode::io, run.string() + ": cannot be written: " + fault.message(),
                "choose another run folder with --out");
  // Where there are no locks nobody can be told apart.
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
  ::close(descriptor_);
  throw Error(ExitCode::io, run.string() + ": another process trains into this folder",
              "wait for its end, or choose another run folder with --out");
}

RunLock::~RunLock() { ::close(descriptor_); }

void copy_model(const fs::path& from, const fs::path& model) {
  const ModelFolder folder = ModelFolder::open(from);
  for (const Component& component : folder.components())
    for (const fs::directory_entry& entry : fs::directory_iterator(folder.require(component.name).folder))
      if (entry.is_regular_file()) copy_whole(entry.path(), model / component.name / entry.path().filename());
  for (const char* name : {"generation_config.json", "LICENSE", "model_index.json"})
    if (is_there(from / name)) copy_whole(from / name, model / name);
}

}  // namespace unclip
