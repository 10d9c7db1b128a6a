// A run: checks all jobs, opens the model once, draws batch by batch, writes each picture as soon as it is
// there. Pictures of different prompts, seeds and guidance share a batch.
//
// A batch always has the chosen size (the last ones are padded), so that kernels see the same shapes and a
// picture's bytes do not depend on its neighbours.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "batch/jobs.h"
#include "batch/manifest.h"
#include "batch/output_check.h"
#include "batch/output_name.h"
#include "batch/painter.h"
#include "batch/picture_writer.h"
#include "batch/policy.h"
#include "batch/shard.h"
#include "image/contact_sheet.h"
#include "support/progress.h"
#include "support/stage_clock.h"

namespace unclip {

struct BatchOptions {
  int batch_size = 1;                              // pictures computed together; 0: as many as fit
  std::optional<uint64_t> seed;                    // of the first job; absent: random
  bool json = false;                               // print one JSON object a picture instead of its path
  bool fail_fast = false;                          // the first picture that fails ends the run
  bool quiet = false;                              // no progress
  std::optional<std::filesystem::path> deny_file;  // prompts that it refuses are not drawn (batch/policy.h)
  bool skip_denied = false;                        // they are left out; otherwise they end the run
  std::optional<Grid> grid;                        // contact sheets of all pictures
  bool retry_failed = false;                       // make also the pictures that an earlier run could not
  Shard shard;                                     // the part of the run that is made here
  std::optional<std::filesystem::path> manifest;   // the folder that it stands in; absent: none is kept
  std::string model;                               // its name, for the manifest
};

// As the lines of manifest and --json tell them.
nlohmann::ordered_json to_json(const std::vector<StageTime>& times);

// What is told of a prompt whose end the model does not read: a warning, or the error of --strict.
Error too_long(const std::string& unread);

class BatchRun {
 public:
  BatchRun(const BatchOptions& options, Jobs jobs, OpenPainter open_painter, std::ostream& out);

  // Makes all pictures. Returns ok or, where some failed, their code; throws Error for what stops the whole
  // run.
  ExitCode run();

 private:
  enum class Decision { draw, skip, refuse, failed_before };
  using Waiting = std::map<std::string, std::vector<PictureJob>>;  // by batch key

  void make(uint64_t pictures);
  static void check_sheet(OutputCheck& outputs, const PictureJob& first);
  void write_sheets();
  void measure_batch_size(uint64_t pictures);
  uint64_t check();  // all jobs, and where their pictures go; counts the pictures to draw
  template <class Visit>
  void each_picture(const Visit& visit);
  uint64_t seed_of(const Job& job) const;
  Decision decide(PictureJob& picture);
  void add(PictureJob picture);
  void refuse(PictureJob picture);
  void draw_waiting(Waiting::iterator batch);
  void draw(std::vector<PictureJob> batch);
  bool draw_once(const std::vector<PictureJob>& batch);
  void hand_over(const std::vector<PictureJob>& batch, std::vector<Image> images, const StageClock& clock);
  void fail(const PictureJob& picture, const Error& error);

  const BatchOptions options_;
  Jobs jobs_;
  std::optional<PromptPolicy> policy_;
  std::optional<Manifest> manifest_;
  const OpenPainter open_painter_;
  std::ostream& out_;
  std::optional<uint64_t> seed_;
  size_t batch_size_;
  std::unique_ptr<Painter> painter_;
  std::optional<Progress> progress_;
  std::optional<PictureWriter> writer_;
  Waiting waiting_;
  size_t waiting_pictures_ = 0;
  uint64_t failed_before_ = 0;
  std::optional<PictureJob> first_;  // to draw
  bool embedded_ = true;             // each picture to draw begins with an embedding
};

}  // namespace unclip
