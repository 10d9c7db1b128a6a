// manifest.jsonl in the folder of the images: one line for each, and for each sheet or animation of them,
// only ever appended to. It tells a later run what is done.
//
// An image's line stands before its file appears: a kill between the two leaves a line without a file, and
// the image is made again. The other order would leave a file of which nobody knows whose it is.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "batch/planned_image.h"
#include "batch/shard.h"

namespace unclip {

class Manifest {
 public:
  enum class Status { absent, done, failed, refused };

  // Reads what earlier runs and other shards wrote, manifest.jsonl and manifest-I-of-N.jsonl, and changes
  // nothing. Throws Error(io) for a file of that name that is none of ours, also a link, and where another
  // process writes this shard's manifest.
  Manifest(const std::filesystem::path& folder, const Shard& shard);
  Manifest(const Manifest&) = delete;
  Manifest& operator=(const Manifest&) = delete;

  Status status(const std::string& id) const;                     // what was written last
  std::optional<uint64_t> run_seed() const { return run_seed_; }  // of the earlier runs

  // For appending; makes the file and its folder. A last line that a kill cut short is removed. Again:
  // nothing.
  void open();

  // Whole lines; they are on the disk when it returns. Throws Error(io), too, where the file is not there any
  // more.
  void append(const std::string& lines);

 private:
  void lock();
  void read(const std::filesystem::path& file);
  void take(const nlohmann::json& entry);
  [[noreturn]] void fail(int reason) const;

  std::filesystem::path file_;
  struct Descriptor {  // closed, and its lock let go, also where the constructor throws
    ~Descriptor();
    int number = -1;
  } descriptor_;
  std::optional<off_t> whole_;  // where a torn line begins
  bool unended_ = false;        // the last line is whole and lacks its end
  std::unordered_map<std::string, Status> images_;
  std::optional<uint64_t> run_seed_;
};

// 16 hex digits for all that an image depends on and where it goes.
std::string image_id(const PlannedImage& image, const std::string& weights,
                     const std::filesystem::path& folder);

// The same of a sheet or an animation, of its bytes and the id of the first image in it.
std::string made_id(const std::string& first, std::string_view bytes);

}  // namespace unclip
