// `unclip serve`: the images API of DALL·E 2, and a page, over one model.
#pragma once

#include <filesystem>
#include <ostream>

#include "serve/serve_options.h"
#include "unclip/device_choice.h"

namespace unclip {

struct ServeVerbOptions {
  ServeOptions server{};
  int batch_size = 8;  // images drawn together, at most; 0: as many as fit
  int patience_ms = 20;
  std::filesystem::path model{}, prior{};
  DeviceChoice device{};
  DtypeChoice dtype = DtypeChoice::automatic;
  bool low_memory = false;
};

// Prints the server's URL once it answers, and ends by a signal alone: throws Error(interrupted or
// terminated) then. Throws Error as ImageServer and open_engine do.
int serve(const ServeVerbOptions& options, std::ostream& out);

}  // namespace unclip
