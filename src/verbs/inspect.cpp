// The inspect verb: model folder → one report a component → a table for people or JSON for programs.
#include "verbs/inspect.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <functional>
#include <iterator>

#include "checkpoint/family.h"
#include "checkpoint/model_folder.h"
#include "diffusion/schedule_config.h"
#include "engine/embedding_math.h"
#include "image_encoder/clip_image_processor.h"
#include "nn/awaiting_weights.h"
#include "options/advice.h"
#include "pipeline/check_parts.h"
#include "pipeline/pipeline.h"
#include "pipeline/registry.h"
#include "support/json_text.h"
#include "support/read_file.h"
#include "support/utf8.h"
#include "tokenizer/tokenizer.h"
#include "weights/load.h"

namespace unclip {

namespace {

using nlohmann::ordered_json;

// Sums over tensors; parameters are the floating-point elements.
struct Weights {
  int64_t parameters = 0;
  int64_t other_bytes = 0;                // of integers and booleans, which no --dtype changes
  size_t bytes = 0;                       // on disk, without headers
  std::map<std::string, int64_t> dtypes;  // name → elements

  size_t memory(size_t bytes_per_parameter) const {
    return static_cast<size_t>(parameters) * bytes_per_parameter + static_cast<size_t>(other_bytes);
  }
};

struct Report {
  Component component;
  std::vector<std::filesystem::path> files;
  Weights weights;
  Misfits misfits;
  std::vector<std::string> not_finite;  // "FILE: tensor: 3 of 10 numbers"; only looked for by --verify
  std::string fault, hint;              // why files or config could not be read; else empty

  bool fits() const { return fault.empty() && misfits.empty() && not_finite.empty(); }
};

bool is_floating(Dtype dtype) {
  const auto name = name_of(dtype);
  return name.starts_with('F') || name.starts_with("BF");
}

void add_file(Weights& weights, const std::filesystem::path& path) {
  const auto file = SafetensorsFile::open(path);
  for (const TensorInfo& tensor : file->tensors()) {
    weights.bytes += tensor.bytes();
    weights.dtypes[std::string(name_of(tensor.dtype))] += tensor.numel();
    if (is_floating(tensor.dtype))
      weights.parameters += tensor.numel();
    else
      weights.other_bytes += static_cast<int64_t>(tensor.bytes());
  }
}

void add(Weights& total, const Weights& part) {
  total.parameters += part.parameters;
  total.other_bytes += part.other_bytes;
  total.bytes += part.bytes;
  for (const auto& [name, elements] : part.dtypes) total.dtypes[name] += elements;
}

// The tensors that hold NaN or infinity.
std::vector<std::string> find_not_finite(const std::filesystem::path& path) {
  constexpr int64_t kAtOnce = 1 << 20;  // numbers: a little memory, whatever the tensor's size
  const auto file = SafetensorsFile::open(path);
  std::vector<std::string> found;
  for (const TensorInfo& info : file->tensors()) {
    if (!is_floating(info.dtype)) continue;
    int64_t count = 0;
    for (const torch::Tensor& part : as_tensor(file, info).flatten().split(kAtOnce))
      count += at::isfinite(info.dtype == Dtype::F64 ? part : part.to(torch::kFloat32))
                   .logical_not()
                   .sum()
                   .item<int64_t>();
    if (count > 0)
      found.push_back(
          fmt::format("{}: {}: {} of {} numbers", path.filename().string(), info.name, count, info.numel()));
  }
  file->expect_unchanged();
  return found;
}

// What `look` finds; what it throws becomes the fault.
Report report_on(const std::string& name, const std::function<void(Report&)>& look) {
  Report report;
  report.component.name = name;
  try {
    look(report);
  } catch (const Error& error) {
    report.fault = error.what();
    report.hint = in_flags(error).hint;
  }
  return report;
}

void look_at_net(const Component& component, bool verify, Report& report) {
  report.files = weight_files(component);
  for (const auto& file : report.files) add_file(report.weights, file);
  const auto maker = net_makers().find(component.class_name);
  if (maker == net_makers().end())
    throw Error(ExitCode::model,
                component.folder.string() + ": the class " + component.class_name + " is not supported",
                "this component cannot be used; others may still work");
  const Config config = component.config();
  const AwaitingWeights awaiting(config.origin(), report.files);
  report.misfits = compare_weights(*maker->second(config), report.files);
  for (const auto& file : verify ? report.files : std::vector<std::filesystem::path>())
    std::ranges::move(find_not_finite(file), std::back_inserter(report.not_finite));
}

// Reads what has no weights as a run would.
void open_weightless(const Component& component) {
  const auto is = [&](const char* kind) { return component.class_name.find(kind) != std::string::npos; };
  if (is("Tokenizer"))
    Tokenizer::open(component.folder);
  else if (is("UnCLIPScheduler"))
    ScheduleConfig::from_unclip(component.config("scheduler_config.json"));
  else if (is("Scheduler"))
    ScheduleConfig::from(component.config("scheduler_config.json"));
  else
    ClipImageProcessorConfig::from(component.config("preprocessor_config.json"));
}

std::vector<Report> report_on_components(const ModelFolder& model, bool verify) {
  std::vector<Report> reports;
  for (const Component& component : model.components())
    reports.push_back(report_on(component.name, [&](Report& report) {
      report.component = component;
      model.require(component.name);  // its folder
      if (component.is_net())
        look_at_net(component, verify, report);
      else
        open_weightless(component);
    }));
  return reports;
}

// What belongs to no component; `whole`: all of these could be read, so that they can be held against each
// other, beside each its own weights.
std::vector<Report> report_on_rest(const ModelFolder& model, bool verify, bool whole) {
  std::vector<Report> reports;
  reports.push_back(report_on("generation_config.json", [&](Report&) { PipelineDefaults::from(model, {}); }));
  if (const auto file = Components::file_of(model.path()); is_there(file))
    reports.push_back(report_on("principal components", [&](Report& report) {
      Components::load(model.path());
      if (verify) report.not_finite = find_not_finite(file);
    }));
  if (whole) reports.push_back(report_on("components", [&](Report&) { check_parts(model); }));
  return reports;
}

std::string megabytes(size_t bytes) { return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6); }

std::string dtype_list(const Weights& weights) {
  std::string list;
  for (const auto& [name, elements] : weights.dtypes) list += (list.empty() ? "" : "+") + name;
  return list;
}

void print_row(std::ostream& out, const std::string& name, const std::string& class_name,
               const std::string& files, const Weights& weights) {
  const bool empty = weights.dtypes.empty();
  const auto cell = [&](const std::string& text) { return empty ? std::string() : text; };
  std::string row = fmt::format(
      "{:<24} {:<28} {:>5} {:>12} {:<9} {:>11} {:>11} {:>11}", name, class_name, files,
      cell(fmt::format("{:.3f} M", static_cast<double>(weights.parameters) / 1e6)), cell(dtype_list(weights)),
      cell(megabytes(weights.bytes)), cell(megabytes(weights.memory(2))), cell(megabytes(weights.memory(4))));
  row.erase(row.find_last_not_of(' ') + 1);
  out << visible(row) << '\n';
}

// A decoder without its config has none that can be told; its own report says so.
std::string family_text(const ModelFolder& model) {
  try {
    return describe_family(model);
  } catch (const Error&) {
    return "unknown";
  }
}

// Whether there are none.
bool print_faults(const Report& report, std::ostream& out) {
  if (!report.fault.empty())
    out << visible(
               report.component.name + ": " + report.fault + (report.hint.empty() ? "" : '\n' + report.hint),
               "\n  ")
        << '\n';
  if (!report.misfits.empty())
    out << visible(report.component.name + ": the weights do not fit " +
                   (report.component.folder / "config.json").string())
        << '\n'
        << visible(report.misfits.summary(), "\n") << '\n';
  for (const std::string& tensor : report.not_finite)
    out << visible(report.component.name + ": not finite: " + tensor) << '\n';
  return report.fits();
}

void print_table(const ModelFolder& model, const std::vector<Report>& reports,
                 const std::vector<Report>& rest, const Weights& total, std::ostream& out) {
  out << visible(model.path().string() + ": " +
                 (model.pipeline_class().empty() ? "model" : model.pipeline_class()))
      << "\nfamily: " << visible(family_text(model)) << "\n\n";
  out << fmt::format("{:<24} {:<28} {:>5} {:>12} {:<9} {:>11} {:>11} {:>11}\n", "component", "class", "files",
                     "parameters", "dtypes", "on disk", "as bf16", "as f32");
  for (const Report& report : reports)
    print_row(out, report.component.name, report.component.class_name,
              report.files.empty() ? "" : std::to_string(report.files.size()), report.weights);
  print_row(out, "total", "", "", total);

  out << '\n';
  bool fits = true;
  for (const auto* list : {&reports, &rest})
    for (const Report& report : *list) fits &= print_faults(report, out);
  if (fits) out << "Everything fits.\n";
}

ordered_json json_of(const Weights& weights) {
  return {{"parameters", weights.parameters},
          {"dtypes", weights.dtypes},
          {"bytes", weights.bytes},
          {"memory", {{"bf16", weights.memory(2)}, {"f32", weights.memory(4)}}}};
}

ordered_json json_of(const Report& report) {
  ordered_json json{{"name", report.component.name},
                    {"library", report.component.library},
                    {"class", report.component.class_name},
                    {"files", ordered_json::array()}};
  for (const auto& file : report.files) json["files"].emplace_back(path_json(file.filename()));
  json.update(json_of(report.weights));
  json["missing"] = report.misfits.missing;
  json["unused"] = report.misfits.unused;
  json["misshapen"] = report.misfits.misshapen;
  json["not_finite"] = report.not_finite;
  json["fault"] = report.fault.empty() ? ordered_json() : ordered_json(report.fault);
  return json;
}

ordered_json fault_json(const std::vector<Report>& rest) {
  std::vector<std::string> faults;
  for (const Report& report : rest) {
    if (!report.fault.empty()) faults.push_back(report.fault);
    for (const std::string& tensor : report.not_finite) faults.push_back("not finite: " + tensor);
  }
  return faults.empty() ? ordered_json() : ordered_json(fmt::format("{}", fmt::join(faults, "; ")));
}

}  // namespace

int inspect(const InspectOptions& options, std::ostream& out) {
  ModelFolder model = ModelFolder::open(options.model);
  if (!options.prior.empty()) model = model.with_prior(ModelFolder::open(options.prior));
  const std::vector<Report> reports = report_on_components(model, options.verify);
  const bool whole = std::ranges::all_of(reports, &std::string::empty, &Report::fault);
  const std::vector<Report> rest = report_on_rest(model, options.verify, whole);
  const bool fits = std::ranges::all_of(reports, &Report::fits) && std::ranges::all_of(rest, &Report::fits);
  Weights total;
  for (const Report& report : reports) add(total, report.weights);
  if (options.json) {
    ordered_json json{{"model", path_json(model.path())},
                      {"pipeline", model.pipeline_class()},
                      {"family", family_text(model)}};
    for (const Report& report : reports) json["components"].push_back(json_of(report));
    json["total"] = json_of(total);
    json["fault"] = fault_json(rest);
    json["fits"] = fits;
    out << json_line(json) << '\n';
  } else {
    print_table(model, reports, rest, total, out);
  }
  return static_cast<int>(fits ? ExitCode::ok : ExitCode::model);
}

}  // namespace unclip
