// What an image says about its making: written into the PNG by `generate`, read by `info` and `--from`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "image/png.h"
#include "unclip/per_stage.h"

namespace unclip {

struct ImageMetadata {
  std::string prompt;           // UTF-8
  std::string negative_prompt;  // empty: none
  std::uint64_t seed = 0;       // of this image, not of its job
  int width = 0;
  int height = 0;
  PerStage<std::int64_t> steps;  // 0: the model has no such stage
  PerStage<double> guidance;
  std::string sampler;
  std::string model;                                  // name of the model folder
  std::string family;                                 // what it holds: "Karlo (text to image)"
  std::map<std::string, std::string> fingerprints;    // component → hex digest of its weights
  nlohmann::json options = nlohmann::json::object();  // every other option: flag without dashes → value
  std::string version;                                // of unclip
  std::optional<bool> flagged{};  // by the model's safety checker; absent: it was not asked
};

nlohmann::ordered_json to_json(const ImageMetadata& metadata);

// Keys that are absent keep their defaults, unknown keys are ignored (files of other versions). Throws
// nlohmann::json::exception or std::out_of_range where a value has the wrong type or does not fit.
ImageMetadata metadata_from_json(const nlohmann::json& json);

// The text that image viewers and galleries know: prompt, negative prompt, then `Steps: 25, Sampler: …`.
std::string parameters_text(const ImageMetadata& metadata);

// The three chunks: `parameters`, `unclip` (JSON) and the source type.
PngText to_png_text(const ImageMetadata& metadata);

// For --no-metadata: only IPTC's "made by a trained algorithm", as an XMP packet.
PngText source_type_text();

// nullopt: a whole PNG without our block. Throws Error(io) as read_png_text does, and for a block that is no
// valid JSON of ours.
std::optional<ImageMetadata> from_png(const std::filesystem::path& path);

// Components of a model whose weights are not those that made an earlier image.
std::vector<std::string> changed_weights(const ImageMetadata& before, const ImageMetadata& now);

}  // namespace unclip
