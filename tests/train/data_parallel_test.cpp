// Several processes train one model: to the weights of a single one, across kills and interrupts; and what
// their launcher must tell them.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <fstream>
#include <future>
#include <map>

#include "cli/run_program.h"
#include "refusal.h"
#include "support/simulated_accelerator.h"
#include "temporary_folder.h"
#include "train/bench_loader.h"
#include "train/run_folder.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;
using testing_program::Program;
using testing_program::Result;

int free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  bind(socket, reinterpret_cast<sockaddr*>(&address), size);
  getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  close(socket);
  return ntohs(address.sin_port);
}

Place place(int rank, int port) {
  Place here;
  here.rank = rank;
  here.size = 2;
  here.host = "127.0.0.1";
  here.port = port;
  return here;
}

// The program twice, as torchrun starts it.
std::vector<Program> start_pair(const testing_program::Arguments& arguments) {
  std::vector<Program> pair;
  const std::string port = std::to_string(free_port());
  for (const std::string rank : {"0", "1"})
    pair.emplace_back(arguments, [rank, port] {
      const std::map<std::string, std::string> variables{{"RANK", rank},
                                                         {"LOCAL_RANK", rank},
                                                         {"WORLD_SIZE", "2"},
                                                         {"MASTER_ADDR", "127.0.0.1"},
                                                         {"MASTER_PORT", port}};
      for (const auto& [name, value] : variables) setenv(name.c_str(), value.c_str(), 1);
    });
  return pair;
}

// Waits until a run has measured so often, every 20 steps.
void await_lines(const fs::path& file, size_t lines) {
  for (int i = 0; i < 6000 && testing_program::lines_of(testing_program::read_file(file)).size() < lines; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

struct DataParallel : testing::Test {
  DataParallel() {
    nlohmann::json values = tiny_recipe(120);
    for (const char* stage : {"prior", "upsampler"}) values["stages"].erase(stage);
    for (const char* stage : {"clip", "decoder"}) values["stages"][stage]["micro_batches"] = 2;
    values["stages"]["decoder"]["phases"][0]["steps"] = 3;
    std::ofstream(folder.path / "recipe.json") << values.dump();
  }

  testing_program::Arguments train(const std::string& out, const std::string& dtype) const {
    return {
        "train",   "all", "-q",        "--config", folder.path / "recipe.json", "--out", folder.path / out,
        "--dtype", dtype, "--threads", "1"};
  }

  TemporaryFolder folder;
};

TEST_F(DataParallel, TwoProcessesTrainTheModelOfOneAcrossInterruptAndKill) {
  ASSERT_EQ(testing_program::run(train("one", "f32")).code, 0);
  const fs::path metrics = folder.path / "two/clip/metrics.jsonl";

  std::vector<Program> pair = start_pair(train("two", "f32"));
  await_lines(metrics, 1);
  pair[1].kill(SIGINT);
  testing_program::expect_error(pair[0].wait(), 1, {"clip: another process was interrupted"});
  EXPECT_EQ(pair[1].wait().code, 130);
  EXPECT_TRUE(fs::exists(folder.path / "two/clip/checkpoint.safetensors"));

  pair = start_pair(train("two", "f32"));
  await_lines(metrics, 3);
  pair[1].kill(SIGKILL);
  const auto killed = std::chrono::steady_clock::now();
  testing_program::expect_error(pair[0].wait(), 1, {"process 0 of 2: lost the others"});
  EXPECT_LT(std::chrono::steady_clock::now() - killed, std::chrono::seconds(5));
  EXPECT_EQ(pair[1].wait().signal, SIGKILL);

  pair = start_pair(train("two", "f32"));
  const Result first = pair[0].wait(), second = pair[1].wait();
  EXPECT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(first.out, (folder.path / "two/model").string() + "\n");
  EXPECT_EQ(second.code, 0) << second.err;
  EXPECT_EQ(second.out, "");
  for (const char* stage : {"clip", "decoder"})
    EXPECT_EQ(largest_difference(folder.path / "one" / stage / "checkpoint.safetensors",
                                 folder.path / "two" / stage / "checkpoint.safetensors"),
              0)
        << stage;
  int64_t expected = 0;
  for (const std::string& line : testing_program::lines_of(testing_program::read_file(metrics)))
    EXPECT_EQ(nlohmann::json::parse(line).at("step"), expected += 20);  // none twice
  EXPECT_EQ(expected, 120);
}

TEST_F(DataParallel, RefusesPartsThatDoNotGoRound) {
  nlohmann::json values = nlohmann::json::parse(std::ifstream(folder.path / "recipe.json"));
  values["stages"]["clip"]["micro_batches"] = 1;
  std::ofstream(folder.path / "recipe.json") << values.dump();
  for (Program& process : start_pair(train("odd", "f32")))
    testing_program::expect_error(
        process.wait(), 2, {"stages.clip.micro_batches: expected a multiple of the 2 processes, found 1"});
}

// Runs `work` as rank 0 and as rank 1, and gives what both come to.
template <class Work>
auto as_two(torch::Device device, Work work) {
  const int port = free_port();
  const auto of_rank = [&](int rank) {
    return std::async(std::launch::async, [=] {
      Peers peers(place(rank, port), device, std::chrono::seconds(20));
      return work(peers);
    });
  };
  auto first = of_rank(0), second = of_rank(1);
  return std::array{first.get(), second.get()};
}

// A device without NCCL goes by way of the host.
TEST(Peers, TellEachOtherWhatTheyHave) {
  for (const torch::Device device : {torch::Device(torch::kCPU), simulated::device()}) {
    const auto results = as_two(device, [&](Peers& peers) {
      const auto mine = torch::full({2}, peers.rank() + 1, torch::kBFloat16).to(device);
      const torch::Tensor number = torch::full({}, peers.rank() + 7).to(device);
      peers.meet();
      peers.take_from_first(number);
      const torch::Tensor parts = peers.exchange((mine * torch::tensor({1, 10}).to(device)));
      EXPECT_EQ(peers.gather(std::vector{1.0 * peers.rank()}), (std::vector{0.0, 1.0}));
      return std::array{parts.cpu(), peers.gather(mine).cpu(), number.cpu()};
    });
    for (int rank : {0, 1}) {
      const auto& [parts, all, number] = results[static_cast<size_t>(rank)];
      EXPECT_TRUE(parts.equal(torch::tensor({1, 2}).to(torch::kBFloat16) * (rank == 0 ? 1 : 10)));
      EXPECT_TRUE(all.equal(torch::tensor({1, 1, 2, 2}).to(torch::kBFloat16)));
      EXPECT_EQ(number.item<int>(), 7);
    }
  }
}

// Gradients in bfloat16, a parameter that some of them lack, clipping, and sizes that two do not divide.
TEST(Peers, UpdateAsOneProcessDoes) {
  torch::manual_seed(3);
  const torch::Tensor first_matrix = torch::randn({37, 501}), first_bias = torch::randn({7});
  const auto train = [&](Peers* peers) {
    const int64_t rank = peers ? peers->rank() : 0, stride = peers ? peers->size() : 1;
    torch::Tensor matrix = first_matrix.clone(), bias = first_bias.clone();
    Workers workers{2};
    Optimizer optimizer({{"matrix", matrix}, {"bias", bias}}, {.clip_norm = 0.5}, torch::kBFloat16,
                        torch::kCPU, workers, peers);
    std::vector<torch::Tensor> norms;
    for (int64_t step = 0; step < 3; ++step) {
      for (int64_t part = rank; part < 4; part += stride) {
        torch::Tensor loss = (matrix * std::sqrt(0.3 + static_cast<double>(part))).square().mean();
        if (part != 3) loss = loss + (bias * static_cast<double>(1 + part)).sin().sum();
        loss.backward();
        optimizer.accumulate();
      }
      norms.push_back(optimizer.step(0.01));
    }
    norms.push_back(matrix.detach().flatten().to(torch::kFloat64));
    norms.push_back(optimizer.averaged().at("bias").to(torch::kFloat64));
    for (torch::Tensor& t : norms) t = t.flatten();
    return at::cat(norms);
  };
  const torch::Tensor expected = train(nullptr);
  for (const torch::Tensor& found : as_two(torch::kCPU, [&](Peers& peers) { return train(&peers); }))
    EXPECT_TRUE(found.equal(expected));
}

TEST(Peers, DoNotWaitForEver) {
  const auto join = [](int rank) {
    Peers(place(rank, free_port()), torch::kCPU, std::chrono::milliseconds(rank == 0 ? 1000 : 100));
  };
  expect_refusal(ExitCode::jobs_failed, "process 1 of 2 did not come within 1 s", [&] { join(0); });
  expect_refusal(ExitCode::jobs_failed,
                 "process 1 of 2: process 0 does not answer at 127.0.0.1:", [&] { join(1); });
}

using Variables = std::map<std::string, std::string>;

Place place_in(const Variables& variables) {
  return place_among_processes([&](const std::string& name) {
    const auto it = variables.find(name);
    return it == variables.end() ? nullptr : it->second.c_str();
  });
}

const Variables kTorchrun{{"WORLD_SIZE", "8"},       {"RANK", "5"},          {"LOCAL_RANK", "1"},
                          {"LOCAL_WORLD_SIZE", "4"}, {"MASTER_ADDR", "one"}, {"MASTER_PORT", "29500"}};
const Variables kSlurm{{"SLURM_STEP_NUM_TASKS", "4"}, {"SLURM_PROCID", "3"},
                       {"SLURM_LOCALID", "1"},        {"SLURM_STEP_NODELIST", "gpu[007-009,12]-b,x"},
                       {"SLURM_JOB_ID", "40123"},     {"SLURM_STEP_ID", "0"}};

TEST(Place, ComesFromTheLauncher) {
  EXPECT_EQ(place_in({}).size, 1);
  EXPECT_EQ(place_in({{"WORLD_SIZE", "1"}, {"RANK", "0"}}).size, 1);
  EXPECT_EQ(place_in({{"SLURM_NTASKS", "8"}, {"SLURM_PROCID", "0"}}).size, 1);  // a batch script
  const Place torchrun = place_in(kTorchrun), slurm = place_in(kSlurm);
  EXPECT_EQ(std::tuple(torchrun.rank, torchrun.size, torchrun.local_rank, torchrun.local_size),
            std::tuple(5, 8, 1, 4));
  EXPECT_EQ(torchrun.host + ":" + std::to_string(torchrun.port), "one:29500");
  EXPECT_FALSE(torchrun.launcher_listens);
  EXPECT_EQ(std::tuple(slurm.rank, slurm.size, slurm.local_rank), std::tuple(3, 4, 1));
  EXPECT_EQ(slurm.host, "gpu007-b");
  EXPECT_EQ(slurm.port, 15'123);
  Variables both = kSlurm;  // one torchrun a node
  both.insert(kTorchrun.begin(), kTorchrun.end());
  EXPECT_EQ(place_in(both).size, 8);
}

TEST(Place, RefusesWhatDoesNotFit) {
  const auto refuses = [](Variables variables, const std::string& name, const std::string& value,
                          const std::string& part) {
    variables[name] = value;
    expect_refusal(ExitCode::usage, part, [&] { place_in(variables); });
  };
  for (const auto& [name, value] : kTorchrun)
    if (name != "WORLD_SIZE" && name != "LOCAL_WORLD_SIZE") refuses(kTorchrun, name, "", name + ": expected");
  for (const char* name : {"SLURM_PROCID", "SLURM_LOCALID", "SLURM_JOB_ID"})
    refuses(kSlurm, name, "", std::string(name) + ": expected a whole number from 0 to ");
  refuses(kSlurm, "SLURM_STEP_NODELIST", "", "SLURM_LAUNCH_NODE_IPADDR: expected");
  refuses(kTorchrun, "RANK", "8", "RANK: expected a whole number from 0 to 7, found \"8\"");
  refuses(kTorchrun, "LOCAL_RANK", "6", "LOCAL_RANK: expected at most RANK, which is 5, found 6");
  refuses(kTorchrun, "MASTER_PORT", "0", "MASTER_PORT: expected a whole number from 1 to 65535");
  refuses(kTorchrun, "WORLD_SIZE", "-2", "WORLD_SIZE: expected a whole number");
  refuses({}, "RANK", "0", "WORLD_SIZE: expected the number of processes, found none");
}

TEST(BenchLoader, TimesEveryNumberOfThreads) {
  TemporaryFolder folder;
  const RunFolder run(folder.path);
  const TrainContext context = run.context();
  const auto speeds = bench_loader(make_clip_stage, context, {}, 2);
  ASSERT_EQ(speeds.size(), 2U);
  EXPECT_EQ(speeds[0].threads, 1);
  EXPECT_EQ(speeds[1].threads, 2);
  for (const LoaderSpeed& speed : speeds) EXPECT_GT(speed.images_per_second, 0);
}

}  // namespace
}  // namespace unclip
