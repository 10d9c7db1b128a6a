// A repository in the layout of a model, with a hub that serves it and an empty cache.
#pragma once

#include <gtest/gtest.h>

#include <chrono>

#include "hub/hub_server.h"
#include "hub/pull.h"
#include "support/read_file.h"
#include "temporary_folder.h"

namespace unclip {

struct TinyRepoTest : testing::Test {
  HubServer hub;
  TemporaryFolder folder;
  HubEnvironment environment{.cache = folder.path / "hub"};
  PullOptions options{.quiet = true};
  RepoRevision repo{.repo = {"org", "tiny"}};
  std::string weights = test_bytes(1'000'000);
  std::string config = R"({"num_layers": 2})";

  TinyRepoTest() {
    hub.add("org/tiny", "model_index.json",
            R"({"_class_name": "X", "prior": ["diffusers", "PriorTransformer"]})");
    hub.add("org/tiny", "prior/config.json", config);
    hub.add("org/tiny", "prior/diffusion_pytorch_model.safetensors", weights);
    hub.add("org/tiny", "prior/diffusion_pytorch_model.bin", "a pickle");
    hub.add("org/tiny", "README.md", "for people");
    options.patience.first_pause = std::chrono::milliseconds(20);
    options.patience.attempts = 4;
    options.patience.stall = std::chrono::seconds(1);
  }

  void start(const nlohmann::json& faults = nlohmann::json::array(), const char* token = nullptr) {
    nlohmann::json settings{{"faults", faults}};
    if (token != nullptr) settings["token"] = token;
    hub.start(settings);
    environment.endpoint = hub.endpoint();
  }

  Pulled pull_it() { return pull(repo, environment, options); }

  std::filesystem::path model() const { return environment.cache / "models--org--tiny"; }

  void expect_whole(const Pulled& pulled) const {
    EXPECT_EQ(pulled.files, 3U);
    EXPECT_EQ(read_whole_file(pulled.folder / "prior/config.json", 1000, ExitCode::io), config);
    EXPECT_TRUE(read_whole_file(pulled.folder / "prior/diffusion_pytorch_model.safetensors", 10'000'000,
                                ExitCode::io) == weights);
    EXPECT_FALSE(is_there(pulled.folder / "README.md"));
    for (const auto& entry : std::filesystem::directory_iterator(model() / "blobs"))
      EXPECT_NE(entry.path().extension(), ".incomplete");
  }
};

}  // namespace unclip
