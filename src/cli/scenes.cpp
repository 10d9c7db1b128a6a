// The scenes verb: the endless source → PNG files and metadata.jsonl, on several threads.
#include "cli/scenes.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "image/png.h"
#include "support/atomic_file.h"
#include "support/interrupt.h"
#include "support/json_text.h"
#include "support/progress.h"
#include "unclip/error.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

// Keeps the weights of the chosen ones alone.
template <class Choice, size_t N>
void keep(std::array<double, N>& weights, const std::vector<Choice>& chosen) {
  if (chosen.empty()) return;
  for (size_t i = 0; i < N; ++i) {
    if (std::ranges::find(chosen, static_cast<Choice>(i)) == chosen.end()) weights[i] = 0;
  }
}

SceneOptions source_of(const ScenesOptions& options) {
  SceneOptions source;
  source.seed = options.seed;
  source.size = options.size;
  keep(source.families, options.families);
  keep(source.styles, options.styles);
  source.uncaptioned = options.uncaptioned.value_or(source.uncaptioned);
  return source;
}

void check(const ScenesOptions& options) {
  if (options.count < 1) throw Error(ExitCode::usage, "--count must be at least 1", "try --count 100");
  if (options.size < 8 || options.size > 4096) {
    throw Error(ExitCode::usage, fmt::format("--size must be 8 to 4096, not {}", options.size),
                "try --size 64");
  }
  if (options.uncaptioned && !(*options.uncaptioned >= 0 && *options.uncaptioned <= 1)) {
    throw Error(ExitCode::usage, fmt::format("--uncaptioned must be 0 to 1, not {}", *options.uncaptioned));
  }
  const fs::path list = options.output / "metadata.jsonl";
  if (!options.overwrite && fs::exists(list)) {
    throw Error(ExitCode::io, list.string() + ": already exists",
                "choose an empty folder or pass --overwrite");
  }
}

std::string describe_line(const Scene& scene, const std::string& file) {
  ordered_json line{{"file_name", file},
                    {"text", scene.caption},
                    {"family", name(scene.family)},
                    {"style", name(scene.style)}};
  if (scene.family == Family::shapes) {
    for (const Object& object : scene.objects) {
      line["objects"].push_back({{"color", name(object.color)},
                                 {"shape", name(object.shape)},
                                 {"x", object.center.x},
                                 {"y", object.center.y},
                                 {"area", object.area}});
    }
  }
  return line.dump() + '\n';
}

// Runs `work` on `count` threads; the first exception stops the others and is thrown again.
template <class Work>
void on_threads(unsigned count, Work work) {
  std::atomic<bool> stop = false;
  std::exception_ptr fault;
  std::mutex mutex;
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < count; ++i) {
    threads.emplace_back([&] {
      try {
        while (!stop && work()) {
        }
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!stop.exchange(true)) fault = std::current_exception();
      }
    });
  }
  threads.clear();  // joins
  if (fault) std::rethrow_exception(fault);
}

}  // namespace

int scenes(const ScenesOptions& options, std::ostream& out) {
  check(options);
  const SceneOptions source = source_of(options);
  const Overwrite overwrite = options.overwrite ? Overwrite::yes : Overwrite::no;
  std::vector<std::string> lines(options.count);
  std::atomic<uint64_t> next = 0;
  Progress progress(static_cast<int>(options.count));
  on_threads(options.threads > 0 ? static_cast<unsigned>(options.threads)
                                 : std::max(std::thread::hardware_concurrency(), 1u),
             [&] {
               const uint64_t i = next++;
               if (i >= options.count) return false;
               throw_if_interrupted();
               Scene scene = draw_scene(source, options.first + i);
               const std::string file = fmt::format("{:06}.png", options.first + i);
               lines[i] = describe_line(scene, file);
               const Image image{scene.size, scene.size, 3, std::move(scene.rgb)};
               write_file_atomically(options.output / file, encode_png(image), overwrite);
               progress.images_done(1);
               return true;
             });
  std::string list;
  for (const std::string& line : lines) list += line;
  const fs::path path = options.output / "metadata.jsonl";
  write_file_atomically(path, std::as_bytes(std::span(list)), overwrite);
  progress.clear();
  out << result_path(path) << '\n';
  return static_cast<int>(ExitCode::ok);
}

}  // namespace unclip
