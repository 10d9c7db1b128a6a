// What a training finds in its run folder before its first step.
#pragma once

#include <filesystem>

namespace unclip {

// Held while it lives by the one process that writes into a run folder.
class RunLock {
 public:
  // Makes the folder. Throws Error(io) where another process trains there, or it cannot be made.
  explicit RunLock(const std::filesystem::path& run);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  int descriptor_ = -1;
};

// The components that the index of the model folder `from` names, what it recommends, and its license: a
// fine-tuned model is one of its own, so the card and the images stay behind. Files appear whole or not at
// all, and those that are there stay, so a copy that was cut off goes on. Throws Error(model or io).
void copy_model(const std::filesystem::path& from, const std::filesystem::path& model);

}  // namespace unclip
