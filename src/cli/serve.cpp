// The serve verb: listen, open the model, answer until a signal comes.
#include "cli/serve.h"

#include <spdlog/spdlog.h>

#include <atomic>
#include <csignal>

#include "checkpoint/family.h"
#include "checkpoint/model_folder.h"
#include "cli/generate.h"
#include "hub_model.h"
#include "serve/image_server.h"
#include "support/interrupt.h"
#include "support/json_text.h"
#include "support/model_name.h"
#include "support/utf8.h"
#include "verb_library.h"

namespace unclip {
namespace {

std::atomic<bool> hung_up = false;

// SIGHUP: read the keys again. Its handler must run on no thread that computes (support/interrupt.cpp): all
// that start from here on leave it to the one that waits for the other signals.
void follow_hangup() {
  sigset_t hangup;
  sigemptyset(&hangup);
  sigaddset(&hangup, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &hangup, nullptr);
  struct sigaction action {};
  action.sa_handler = [](int) { hung_up = true; };
  action.sa_flags = SA_RESTART;
  sigaction(SIGHUP, &action, nullptr);
}

// An image encoder stands in the model's folder, or beside its prior.
ServedModel served_model(const ModelChoice& choice) {
  const ModelFolder folder = folder_of(choice);
  const bool karlo = family_of(folder) == ModelFamily::karlo;
  return {.name = visible(model_name(choice.folder)),
          .family = describe_family(folder),
          .any_size = !karlo,
          .varies_images = folder.has("image_encoder") || folder.has("prior_image_encoder"),
          .takes_negatives = !karlo};
}

}  // namespace

int serve(const ServeVerbOptions& given, std::ostream& out) {
  const ServeVerbOptions options = with_model(given);
  const ModelChoice choice{options.model, options.prior, options.device, options.dtype, options.low_memory};
  const ServedModel model = served_model(choice);
  ServeOptions own = options.server;
  own.version = UNCLIP_VERSION;
  follow_hangup();
  ImageServer server(own, model);
  if (!model.varies_images) spdlog::info("the model has no image encoder: variations are not served");
  const std::unique_ptr<Engine> engine = verb_library().open_engine(
      choice, {.batch_size = static_cast<std::size_t>(options.batch_size),
               .expected = static_cast<uint64_t>(own.queue),
               .use = {.prior = true, .images = model.varies_images, .safety = true},
               .patience = std::chrono::milliseconds(options.patience_ms),
               .queue = static_cast<std::size_t>(own.queue),
               .batch_begins = [&server](std::size_t images) { server.metrics().batch_began(images); }});
  throw_if_interrupted();
  server.run(
      *engine, [&] { out << result_path(server.url()) << std::endl; },
      [] { return interrupt_requested().has_value(); }, [] { return hung_up.exchange(false); });
  return 128 + interrupt_requested().value();  // that ended it
}

}  // namespace unclip
