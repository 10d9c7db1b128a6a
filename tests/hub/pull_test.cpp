// Pulls from a hub on this machine, whose answers have every fault that we could think of.
#include "hub/pull.h"

#include <gtest/gtest.h>

#include <fstream>

#include "hub/cache.h"
#include "hub/tiny_repo.h"
#include "refusal.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kWeights = "prior/diffusion_pytorch_model.safetensors";

TEST_F(TinyRepoTest, FetchesWhatTheModelNeedsAndNothingTwice) {
  start();
  const Pulled first = pull_it();
  expect_whole(first);
  EXPECT_EQ(first.fetched, first.bytes);
  EXPECT_EQ(first.folder, model() / "snapshots" / first.commit);
  EXPECT_EQ(HubCache(environment.cache).find(repo), first.folder);
  EXPECT_EQ(hub.bytes_sent(".bin") + hub.bytes_sent("README"), 0U);
  EXPECT_EQ(pull_it().fetched, 0U);
  EXPECT_EQ(hub.bytes_sent(kWeights), weights.size());
  EXPECT_TRUE(is_there(environment.cache / "CACHEDIR.TAG"));
}

TEST_F(TinyRepoTest, FollowsBranchesAndCommits) {
  hub.add("org/tiny@refs", "model_index.json", "{}");
  start();
  const Pulled main = pull_it();
  repo.revision = main.commit;
  EXPECT_EQ(pull_it().folder, main.folder);
  EXPECT_FALSE(is_there(model() / "refs" / main.commit));
  repo.revision = "refs";
  const Pulled other = pull_it();
  EXPECT_NE(other.commit, main.commit);
  EXPECT_EQ(other.files, 1U);
  EXPECT_EQ(HubCache(environment.cache).list().at(0).snapshots.size(), 2U);
}

TEST_F(TinyRepoTest, SendsTheTokenToTheHubAlone) {
  environment.token = "hf_secret";
  start(json::array(), "hf_secret");
  expect_whole(pull_it());
  size_t with = 0, elsewhere = 0;
  for (const json& request : hub.requests()) {
    const bool sent = !request["authorization"].is_null();
    EXPECT_EQ(sent, request["port"] != hub.cdn_port()) << request;
    (sent ? with : elsewhere) += 1;
  }
  EXPECT_EQ(with, 4U);  // listing, index, config, weights
  EXPECT_EQ(elsewhere, 1U);
}

TEST_F(TinyRepoTest, TellsWhyItMayNot) {
  start(json::array(), "hf_secret");
  expect_refusal(ExitCode::model, "set HF_TOKEN", [&] { pull_it(); });
  environment.token = "hf_wrong";
  const std::string text = refusal(ExitCode::model, [&] { pull_it(); });
  EXPECT_NE(text.find("refuses this token"), std::string::npos) << text;
  EXPECT_EQ(text.find("hf_wrong"), std::string::npos) << text;
  start();
  repo.revision = "v2";
  expect_refusal(ExitCode::model, "no such revision", [&] { pull_it(); });
  repo = {.repo = {"org", "nothing"}};
  expect_refusal(ExitCode::model, "org/nothing", [&] { pull_it(); });
}

TEST_F(TinyRepoTest, GoesOnWhereConnectionsAreCut) {
  start({{{"path", "signature"}, {"cut", 300'000}, {"times", 3}}});
  expect_whole(pull_it());
  EXPECT_EQ(hub.bytes_sent(kWeights), weights.size()) << "no byte twice";
  std::vector<std::string> ranges;
  for (const json& request : hub.requests())
    if (request["port"] == hub.cdn_port())
      ranges.push_back(request["range"].is_null() ? "" : request["range"]);
  EXPECT_EQ(ranges, (std::vector<std::string>{"", "bytes=300000-", "bytes=600000-", "bytes=900000-"}));
}

TEST_F(TinyRepoTest, StartsAnewWhereTheServerKnowsNoRanges) {
  start({{{"path", "signature"}, {"cut", 300'000}, {"times", 1}},
         {{"path", "signature"}, {"ignore_range", true}, {"times", 1}}});
  expect_whole(pull_it());
  EXPECT_EQ(hub.bytes_sent(kWeights), weights.size() + 300'000);
}

TEST_F(TinyRepoTest, SurvivesPassingFaults) {
  const std::vector<json> faults{
      {{"status", 503}, {"times", 3}},
      {{"status", 429}, {"retry_after", "1"}, {"times", 1}},
      {{"path", "signature"}, {"flip", 500'000}, {"times", 1}},
      {{"path", "config.json"}, {"flip", 3}, {"times", 1}},
      {{"path", "signature"}, {"extra", 10}, {"times", 1}},
      {{"path", "config.json"}, {"extra", 10}, {"times", 1}},
      {{"path", "signature"}, {"short", 10}, {"times", 1}},
      {{"path", "signature"}, {"cut", 0}, {"times", 2}},
      {{"path", "signature"}, {"headers", 600'000}, {"times", 1}},
      {{"path", "signature"}, {"stall", 60}, {"times", 1}},
      {{"path", "signature"}, {"rate", 2'000'000}},
  };
  for (const json& fault : faults) {
    start(json::array({fault}));
    try {
      expect_whole(pull_it());
    } catch (const Error& error) {
      ADD_FAILURE() << fault << ": " << error.what();
    }
    fs::remove_all(environment.cache);
  }
}

TEST_F(TinyRepoTest, HonoursRetryAfter) {
  start({{{"path", "api/"}, {"status", 429}, {"retry_after", "2"}, {"times", 1}}});
  const auto begin = std::chrono::steady_clock::now();
  expect_whole(pull_it());
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
  start({{{"path", "api/"}, {"status", 429}, {"retry_after", "86400"}}});
  expect_refusal(ExitCode::io, "86400 seconds", [&] { pull_it(); });
}

TEST_F(TinyRepoTest, EndsWhereFaultsStay) {
  const std::vector<std::pair<json, std::string>> faults{
      {{{"status", 500}}, "status 500 (4 attempts)"},
      {{{"status", 418}}, "status 418"},
      {{{"path", "signature"}, {"flip", 500'000}}, "damaged: expected digest"},
      {{{"path", "config.json"}, {"flip", 3}}, "prior/config.json: the file is damaged"},
      {{{"path", "signature"}, {"extra", 10}}, "more bytes"},
      {{{"path", "signature"}, {"short", 10}}, "bytes"},
      {{{"path", "signature"}, {"headers", 600'000}}, "eader"},
      {{{"path", "resolve"}, {"location", "SELF"}}, "led on more than 8 times"},
      {{{"path", "resolve"}, {"location", "file:///etc/passwd"}}, "not followed"},
      {{{"path", "resolve"}, {"location", "ftp://localhost/x"}}, "not followed"},
      {{{"path", "resolve"}, {"location", "http://127.0.0.1:1/"}}, "attempts"},
      {{{"path", "api/"}, {"body", "<html>"}}, "expected JSON"},
      {{{"path", "api/"}, {"body", json::object()}}, "expected a commit"},
  };
  for (const auto& [fault, part] : faults) {
    start(json::array({fault}));
    const std::string text = refusal(ExitCode::io, [&] { pull_it(); });
    EXPECT_NE(text.find(part), std::string::npos) << fault << ": " << text;
    EXPECT_FALSE(HubCache(environment.cache).find(repo)) << fault;
    fs::remove_all(environment.cache);
  }
}

TEST_F(TinyRepoTest, WritesNothingOutsideTheCache) {
  const std::string blob(40, 'b');
  for (const char* name : {"../../../evil", "/evil", "prior/../../../../evil", "prior//evil", ""}) {
    const json listing{{"sha", std::string(40, 'a')},
                       {"siblings", {{{"rfilename", name}, {"size", 4}, {"blobId", blob}}}}};
    start({{{"path", "api/"}, {"body", listing}}});
    expect_refusal(ExitCode::model, "leaves the model's folder", [&] { pull_it(); });
  }
  for (const auto& entry : fs::recursive_directory_iterator(folder.path))
    EXPECT_EQ(entry.path().string().find("evil"), std::string::npos);
}

TEST_F(TinyRepoTest, GoesOnAfterKill) {
  start({{{"path", "signature"}, {"rate", 1'000'000}}});
  const pid_t child = fork();
  if (child == 0) {
    pull_it();
    _exit(0);
  }
  const fs::path partial = partial_download(model() / "blobs", 300'000);
  kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  ASSERT_FALSE(partial.empty());
  EXPECT_FALSE(HubCache(environment.cache).find(repo));
  const auto kept = fs::file_size(partial);
  start();
  const Pulled pulled = pull_it();
  expect_whole(pulled);
  EXPECT_EQ(pulled.fetched, weights.size() - kept);
  // The server notes an answer after it is sent, and that to the killed client when it notices.
  const auto sent_the_rest = [&] {
    for (const json& request : hub.requests())
      if (request["range"] == "bytes=" + std::to_string(kept) + "-" &&
          request["sent"] == weights.size() - kept)
        return true;
    return false;
  };
  for (int i = 0; i < 50 && !sent_the_rest(); ++i) continue;
  EXPECT_TRUE(sent_the_rest());
}

TEST_F(TinyRepoTest, MendsADamagedPartialFile) {
  start();
  const Pulled first = pull_it();
  const fs::path blob = fs::canonical(first.folder / kWeights);
  for (const std::string& partial : {std::string("x"), std::string(weights.size(), 'x'),
                                     std::string(weights.size() + 1, 'x'), std::string(), weights}) {
    fs::remove(blob);
    std::ofstream(blob.string() + ".incomplete") << partial;
    expect_whole(pull_it());
  }
}

TEST_F(TinyRepoTest, FetchesAgainWhatWasCutOff) {
  start();
  const fs::path blob = fs::canonical(pull_it().folder / kWeights);
  fs::resize_file(blob, 3);
  const Pulled again = pull_it();
  expect_whole(again);
  EXPECT_EQ(again.fetched, weights.size());
}

TEST_F(TinyRepoTest, TwoAtOnceFetchOnce) {
  start({{{"path", "signature"}, {"rate", 2'000'000}}});
  const pid_t child = fork();
  if (child == 0) {
    pull_it();
    _exit(0);
  }
  expect_whole(pull_it());
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(hub.bytes_sent(kWeights), weights.size());
}

TEST_F(TinyRepoTest, ChecksTheDiskFirst) {
  json listing{{"sha", std::string(40, 'a')}, {"siblings", json::array()}};
  start();
  pull_it();  // for the index
  for (const auto& [name, etag, size] : std::vector<std::tuple<const char*, std::string, std::uint64_t>>{
           {kWeights, std::string(64, 'e'), std::uint64_t{1} << 60}})
    listing["siblings"].push_back({{"rfilename", name}, {"lfs", {{"sha256", etag}, {"size", size}}}});
  const std::string index = fs::read_symlink(pull_it().folder / "model_index.json").filename();
  listing["siblings"].push_back({{"rfilename", "model_index.json"},
                                 {"size", fs::file_size(model() / "blobs" / index)},
                                 {"blobId", index}});
  start({{{"path", "api/"}, {"body", listing}}});
  expect_refusal(ExitCode::io, "needs 1153 PB more", [&] { pull_it(); });
}

TEST_F(TinyRepoTest, RefusesPicklesUnlessTheyAreConverted) {
  hub.add("org/old", "model_index.json", R"({"prior": ["diffusers", "PriorTransformer"]})");
  hub.add("org/old", "prior/diffusion_pytorch_model.bin", "a pickle");
  hub.add("org/single", "model.ckpt", "a pickle");
  start();
  repo = {.repo = {"org", "old"}};
  expect_refusal(ExitCode::model, "found only prior/diffusion_pytorch_model.bin", [&] { pull_it(); });
  repo = {.repo = {"org", "single"}};
  expect_refusal(ExitCode::model, "holds no model_index.json", [&] { pull_it(); });
  EXPECT_EQ(hub.bytes_sent(".bin") + hub.bytes_sent(".ckpt"), 0U);
}

TEST_F(TinyRepoTest, StopsBeforeTheWeightsWhereTheCheckSaysSo) {
  start();
  options.check = [](const std::string& index) {
    EXPECT_NE(index.find("PriorTransformer"), std::string::npos);
    throw Error(ExitCode::model, "no unCLIP model");
  };
  expect_refusal(ExitCode::model, "no unCLIP model", [&] { pull_it(); });
  EXPECT_EQ(hub.bytes_sent(kWeights), 0U);
}

TEST_F(TinyRepoTest, OfflineFetchesNothing) {
  start();
  environment.offline = true;
  expect_refusal(ExitCode::model, "HF_HUB_OFFLINE", [&] { pull_it(); });
  environment.offline = false;
  pull_it();
  const size_t before = hub.requests().size();
  environment.offline = true;
  expect_whole(pull_it());
  EXPECT_EQ(hub.requests().size(), before);
}

TEST_F(TinyRepoTest, TellsThatNobodyAnswers) {
  environment.endpoint = "http://127.0.0.1:1";
  expect_refusal(ExitCode::io, "127.0.0.1", [&] { pull_it(); });
  environment.endpoint = "http://no-such-host.invalid";
  expect_refusal(ExitCode::io, "no-such-host.invalid", [&] { pull_it(); });
}

}  // namespace
}  // namespace unclip
