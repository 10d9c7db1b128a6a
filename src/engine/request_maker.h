// From a task to what the pipeline is asked for: reads its files, embeds its images and texts, and turns,
// mixes or inverts what it finds. And back: an edit's part into its canvas.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "engine/embedding_math.h"
#include "engine/engine.h"
#include "image/edit_window.h"
#include "pipeline/pipeline.h"

namespace unclip {

// What was made before, by what it was made from; forgets all once it holds too much.
template <class Value>
class Memo {
 public:
  template <class Make>
  std::shared_ptr<const Value> get(const std::string& key, const Make& make) {
    constexpr std::size_t kMost = 64;
    if (const auto found = known_.find(key); found != known_.end()) return found->second;
    if (known_.size() >= kMost) known_.clear();
    return known_[key] = std::make_shared<const Value>(make());
  }

 private:
  std::map<std::string, std::shared_ptr<const Value>> known_;
};

// Whether a task starts from the noise of an image.
bool inverts(const ImageOptions& options);

class RequestMaker {
 public:
  RequestMaker(Pipeline& pipeline, std::filesystem::path model);

  // Throws Error: io for a file, usage for what the model cannot do.
  ImageRequest make(const ImageTask& task, const Guidance& guidance, const DrawSettings& settings,
                    const Observer& observer);

  // What the user gets for what was drawn.
  Image finish(const ImageTask& task, const DrawSettings& settings, Image drawn);

  // How near a reconstruction came to its image, in dB.
  double psnr(const ImageTask& task, const Image& drawn);

  std::shared_ptr<const ImageEmbedding> embed_image(const std::string& file);
  std::shared_ptr<const Vector> embed_text(const std::string& text);

 private:
  struct Edit {
    EditCanvas canvas;
    Window window;
  };

  std::shared_ptr<const Image> image(const std::string& file);  // null for an empty name
  std::shared_ptr<const Edit> edit(const ImageOptions& options, const DrawSettings& settings);

  void add_edit(ImageRequest& request, const ImageOptions& options, const DrawSettings& settings);
  void add_interpolation(ImageRequest& request, const ImageTask& task, const DrawSettings& settings,
                         const Observer& observer);
  ImageEmbedding embedding_of_end(const std::string& end, const ImageRequest& request,
                                  const DrawSettings& settings, const Observer& observer);
  std::shared_ptr<const StartNoise> invert(const std::string& file, const ImageRequest& request,
                                           const DrawSettings& settings, const Observer& observer);

  Pipeline& pipeline_;
  const std::filesystem::path model_;
  Memo<Image> images_;
  Memo<ImageEmbedding> embeddings_;
  Memo<Vector> texts_;
  Memo<StartNoise> starts_;
  Memo<Edit> edits_;
  std::optional<Components> components_;
};

}  // namespace unclip
