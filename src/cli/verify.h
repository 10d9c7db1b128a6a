// `unclip verify FILE.png…`: makes images again from the parameters inside them and compares the pixels.
// `unclip smoke`: the same with the image that comes with the model, model/smoke.png.
#pragma once

#include <filesystem>
#include <ostream>
#include <vector>

#include "support/log.h"
#include "unclip/device_choice.h"

namespace unclip {

struct VerifyOptions {
  std::vector<std::filesystem::path> files;
  std::filesystem::path model{};               // empty: the shipped model
  std::filesystem::path prior{};               // its prior's folder; empty: it stands in `model`
  int tolerance = 0;                           // largest difference of a color value that passes, 0 … 255
  int batch_size = 1;                          // copies drawn together, as the image was with others
  bool from_files = false;                     // open the files that the images name
  DeviceChoice device{};                       // automatic: as recorded in the image
  DtypeChoice dtype = DtypeChoice::automatic;  // as recorded in the image
  bool json = false;                           // one JSON object an image
  Verbosity verbosity = Verbosity::normal;
};

// Prints a line for each image: the largest difference. Returns ok, or jobs_failed where one is beyond the
// tolerance, corrupt, tells no parameters or none that can be drawn with; the latter are told in the log, and
// the others are compared. A file that cannot be opened makes it io. Throws Error for what stops all.
int verify(const VerifyOptions& options, std::ostream& out);

struct SmokeOptions {
  std::filesystem::path model;  // empty: the shipped model
  std::filesystem::path prior;  // as above
  int tolerance = 4;            // as above: other machines round in another order
  bool json = false;
  Verbosity verbosity = Verbosity::normal;
};

// Returns ok, or jobs_failed; throws Error(model) where there is no model, or it brings no smoke.png.
int smoke(const SmokeOptions& options, std::ostream& out);

}  // namespace unclip
