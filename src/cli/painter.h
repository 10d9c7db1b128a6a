// The painter of a batch run: a pipeline on its device.
#pragma once

#include <filesystem>
#include <memory>

#include "unclip/batch/painter.h"
#include "unclip/device/choice.h"

namespace unclip {

// Opens the model. Throws Error as Pipeline::open and place() do.
std::unique_ptr<Painter> open_pipeline_painter(const std::filesystem::path& model, const DeviceChoice& device,
                                               DtypeChoice dtype);

}  // namespace unclip
