// The painter of a batch run: a pipeline on its device.
#pragma once

#include <filesystem>
#include <memory>

#include "unclip/batch/painter.h"
#include "unclip/device/choice.h"

namespace unclip {

// Opens the model; `prior` is its other half where it comes as two folders, else empty. Throws Error as
// Pipeline::open and place() do.
std::unique_ptr<Painter> open_pipeline_painter(const std::filesystem::path& model,
                                               const std::filesystem::path& prior, const DeviceChoice& device,
                                               DtypeChoice dtype);

}  // namespace unclip
