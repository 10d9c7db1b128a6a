// Image calls: form → job → images, as one JSON object or as events (see image_server.h).
#include <spdlog/spdlog.h>

#include <chrono>

#include "options/model_use.h"
#include "serve/base64.h"
#include "serve/image_server.h"
#include "support/json_text.h"
#include "support/utf8.h"

namespace unclip {

namespace {

using namespace std::chrono_literals;
using CallClock = std::chrono::steady_clock;

constexpr auto kGlance = 100ms;  // how often a waiting call looks whether its client is still there

constexpr int kPagePreviews = 3;  // of each image

// The client has left: there is nobody to answer.
struct ClientLeft : std::exception {};

Form form_of(const httplib::Request& request) {
  if (!request.is_multipart_form_data()) return read_json_form(request.body);
  Form form;
  for (const auto& [key, part] : request.files) {
    if (key.empty())
      throw ApiError(400,
                     "expected parts that begin with Content-Disposition: form-data; name=\"image\"; "
                     "filename=\"a.png\", found one without such a name",
                     {}, "invalid_form");
    // httplib does not know filename*, which some clients send for names beyond ASCII.
    const bool is_file = !part.filename.empty() || part.content_type.starts_with("image/");
    add_part(form, key, part.content, is_file);
  }
  return form;
}

// An edit's other pixels stay as they are, which no other shape can show.
void expect_proportions(const ImageCall& call, const UploadFolder& uploads) {
  const auto image = uploads.sizes().find("image");
  if (call.options.task != Task::edit || !call.resize_to || image == uploads.sizes().end()) return;
  const auto [width, height] = image->second;
  if (int64_t{width} * call.resize_to->height == int64_t{height} * call.resize_to->width) return;
  throw ApiError(400,
                 fmt::format("size: expected the shape of the image, which has {}x{} pixels, found {}x{}",
                             width, height, call.resize_to->width, call.resize_to->height),
                 "size");
}

int64_t seconds_since_epoch() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

// What lives as long as one of its tasks, or the client that waits.
struct ImageServer::Call {
  ~Call() {
    if (job) job->cancel();
  }
  struct Kept {
    std::optional<UploadFolder> uploads;
    std::unique_ptr<Admission::Place> place;
  };

  ImageCall call;
  std::shared_ptr<Kept> kept = std::make_shared<Kept>();
  std::shared_ptr<ImageJob> job;
  CallClock::time_point began = CallClock::now();

  double seconds() const { return std::chrono::duration<double>(CallClock::now() - began).count(); }
};

void ImageServer::answer(Task task, bool page, const Request& request, Response& response) {
  const std::shared_ptr<Call> call = begin(task, page, form_of(request), client_of(request));
  if (page || call->call.stream) return answer_events(call, page, response);
  answer_whole(*call, request, response);
}

std::shared_ptr<ImageServer::Call> ImageServer::begin(Task task, bool page, const Form& form,
                                                      const std::string& client) {
  auto call = std::make_shared<Call>();
  call->call = read_call(task, form, model_);
  ImageOptions& options = call->call.options;
  bool refused = policy_ && policy_->refused_by(options);
  for (const std::string& end : {options.source, options.target})
    refused |= policy_ && !text_of_end(end).empty() && policy_->refused_by(text_of_end(end));
  if (refused) throw api_error_of(Error(ExitCode::refused, ""));
  // First the place: who has none makes us decode nothing.
  call->kept->place.reset(new Admission::Place(admission_.enter(client, options.count)));
  call->kept->uploads.emplace(uploads_, form, options);
  expect_proportions(call->call, *call->kept->uploads);
  call->job =
      ImageJob::start(*engine_, options, page ? kPagePreviews : call->call.partial_images, call->kept);
  return call;
}

// Until all images are finished. Throws ApiError: 504, 503; ClientLeft.
void ImageServer::follow(Call& call, const std::function<void(const ImageJobState&)>& news) {
  ImageJobState state;
  while (state.finished < call.job->count()) {
    const uint64_t known = state.news;
    state = call.job->wait(known, kGlance);
    if (state.news > known) news(state);
    if (state.finished == call.job->count()) break;
    if (HttpServer::connection().client_left()) {
      metrics_.canceled();
      throw ClientLeft();
    }
    if (CallClock::now() - call.began > options_.deadline)
      throw ApiError(
          504, "the images were not finished within " + std::to_string(options_.deadline.count()) + " s", {},
          "deadline_exceeded");
    if (phase_ == Phase::ending || (phase_ == Phase::draining && state.stage.empty())) {
      ApiError ending(503, "the server is about to end", {}, "server_ending");
      ending.retry_after = 5;
      throw ending;
    }
  }
  call.kept->place.reset();  // the engine may hold its tasks for longer than their clients should be kept out
}

FinishedImage ImageServer::take(Call& call, int index) {
  ImageResult result = call.job->take(index).value();
  if (result.error) throw api_error_of(*result.error);
  admission_.image_took(result.seconds);
  metrics_.images_made(1);
  return finish_image(call.call, std::move(result));
}

void ImageServer::answer_whole(Call& call, const Request& request, Response& response) {
  std::string truncated;
  try {
    follow(call, [&](const ImageJobState& state) { truncated = state.truncated; });
  } catch (const ClientLeft&) {
    HttpServer::connection().close_after_answer();
    return fail(response, ApiError(499, "the client left"));
  }
  nlohmann::ordered_json data = nlohmann::ordered_json::array();
  for (int i = 0; i < call.job->count(); ++i) {
    FinishedImage image = take(call, i);
    nlohmann::ordered_json entry;
    if (call.call.as_url) {
      const std::string base =
          public_url_.empty() ? "http://" + request.get_header_value("Host") : public_url_;
      entry["url"] = base + "/images/" + store_.add(std::move(image.png)) + ".png";
    } else {
      entry["b64_json"] = to_base64(image.png);
    }
    entry["seed"] = image.seed;
    data.push_back(std::move(entry));
  }
  nlohmann::ordered_json answer{{"created", seconds_since_epoch()}, {"data", std::move(data)}};
  if (!truncated.empty()) answer["truncated_prompt"] = truncated;
  metrics_.call_took(call.seconds());
  response.set_content(json_line(answer), "application/json");
}

void ImageServer::answer_events(const std::shared_ptr<Call>& call, bool page, Response& response) {
  response.set_header("X-Accel-Buffering", "no");  // nginx passes on each event
  response.set_chunked_content_provider(
      "text/event-stream", [this, call, page](std::size_t, httplib::DataSink& sink) {
        try {
          page ? send_page_events(*call, sink) : send_api_events(*call, sink);
          metrics_.call_took(call->seconds());
        } catch (const ClientLeft&) {
          return false;
        } catch (const ApiError& error) {
          const nlohmann::ordered_json fields = error_fields(error);
          const std::string event =
              server_event("error", page ? fields : nlohmann::ordered_json{{"error", fields}});
          sink.write(event.data(), event.size());
        } catch (const std::exception& error) {
          spdlog::error("a stream failed: {}", error.what());
          return false;
        }
        sink.done();
        return true;
      });
}

void ImageServer::send_page_events(Call& call, httplib::DataSink& sink) {
  const auto send = [&](const std::string& event) {
    if (!sink.write(event.data(), event.size())) throw ClientLeft();
  };
  send(server_event("queued", {{"ahead", call.kept->place->ahead()}}));
  int sent = 0;
  follow(call, [&](const ImageJobState& state) {
    if (!state.stage.empty())
      send(server_event("progress", {{"stage", state.stage},
                                     {"done", state.done},
                                     {"steps", state.steps},
                                     {"images", state.finished}}));
    for (int i = 0; i < call.job->count(); ++i)
      if (const auto preview = call.job->take_preview(i))
        send(server_event("preview",
                          {{"index", i}, {"b64_json", to_base64(finish_preview(call.call, *preview).png)}}));
  });
  for (; sent < call.job->count(); ++sent) {
    const FinishedImage image = take(call, sent);
    send(server_event("image", {{"index", sent},
                                {"seed", image.seed},
                                {"width", image.width},
                                {"height", image.height},
                                {"b64_json", to_base64(image.png)}}));
  }
  send(server_event("done", {{"images", sent}, {"seconds", call.seconds()}}));
}

// As OpenAI's API streams.
void ImageServer::send_api_events(Call& call, httplib::DataSink& sink) {
  const auto send = [&](const std::string& name, const FinishedImage& image,
                        const nlohmann::ordered_json& more) {
    nlohmann::ordered_json data{{"type", name},
                                {"b64_json", to_base64(image.png)},
                                {"created_at", seconds_since_epoch()},
                                {"size", fmt::format("{}x{}", image.width, image.height)},
                                {"quality", "auto"},
                                {"background", "opaque"},
                                {"output_format", "png"}};
    data.update(more);
    const std::string event = server_event(name, data);
    if (!sink.write(event.data(), event.size())) throw ClientLeft();
  };
  int sent = 0;
  follow(call, [&](const ImageJobState&) {
    if (const auto preview = call.job->take_preview(0))
      send("image_generation.partial_image", finish_preview(call.call, *preview),
           {{"partial_image_index", sent++}});
  });
  const FinishedImage image = take(call, 0);
  send("image_generation.completed", image,
       {{"usage",
         {{"total_tokens", 0},
          {"input_tokens", 0},
          {"output_tokens", 0},
          {"input_tokens_details", {{"text_tokens", 0}, {"image_tokens", 0}}}}},
        {"seed", image.seed}});
}

}  // namespace unclip
