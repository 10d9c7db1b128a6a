// The plan of a run: prompts → images with seeds, names, shard, policy and what earlier runs made of them. No
// model is needed, so that all of it is checked before one is opened. Read twice, once to check and once to
// draw, and never held in memory as a whole.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "batch/jobs.h"
#include "batch/manifest.h"
#include "batch/output_check.h"
#include "batch/planned_image.h"
#include "batch/policy.h"
#include "batch/shard.h"
#include "image/contact_sheet.h"
#include "options/model_use.h"

namespace unclip {

struct PlanOptions {
  std::optional<uint64_t> seed;  // of the first job; absent: that of an earlier run, or random
  std::optional<std::filesystem::path> deny_file{};  // prompts that it denies are not drawn (batch/policy.h)
  bool skip_denied = false;                          // they are left out; otherwise they end the run
  std::optional<Grid> grid{};                        // contact sheets of all images
  bool retry_failed = false;                         // make also the images that an earlier run could not
  Shard shard{};                                     // the part of the run that is made here
  std::optional<std::filesystem::path> manifest{};   // the folder that it stands in; absent: none is kept
  std::string weights{};  // of the model, whatever tells them from others; for the manifest
};

struct PlanSummary {
  uint64_t images = 0;                  // to draw, or to report as refused
  uint64_t failed_before = 0;           // in an earlier run, and left alone
  ModelUse use{};                       // what the images to draw need of the model
  std::optional<PlannedImage> first{};  // that is not refused
  std::set<std::string> sheets{};       // names of the contact sheets, spelled out
};

class Plan {
 public:
  Plan(PlanOptions options, Jobs jobs);

  // Goes over all images and where they go. Throws Error for the first fault; bad lines of a prompt file are
  // all logged before.
  PlanSummary check();

  // The images of this shard in order, and those of all shards; the latter without their ids.
  using Visit = std::function<void(PlannedImage&)>;
  void each(const Visit& visit);
  void each_of_all_shards(const Visit& visit);

  // Sets what to do with it, by the files and the manifest as they are now. Throws Error(io) for a file that
  // nobody allowed to replace.
  void decide(PlannedImage& image) const;

  // Whether an earlier run made `file`, a sheet or an animation, of the same images, and nobody changed it
  // since.
  bool made(const PlannedImage& first, const std::filesystem::path& file) const;

  // Whether the sheet of these images may take the place of a file. One of images that were skipped has
  // nothing new to lose.
  bool replaces_sheet(const PlannedImage& first, const std::filesystem::path& sheet) const;

  Manifest* manifest() { return manifest_ ? &*manifest_ : nullptr; }
  uint64_t seed() const { return seed_.value_or(0); }  // of the run; 0 where each job brings its own

 private:
  uint64_t seed_of(const Job& job) const;
  void check_inputs();
  void check_sheet(OutputCheck& outputs, const PlannedImage& first, PlanSummary& summary) const;

  const PlanOptions options_;
  Jobs jobs_;
  std::optional<PromptPolicy> policy_;
  std::optional<Manifest> manifest_;
  std::optional<uint64_t> seed_;
};

}  // namespace unclip
