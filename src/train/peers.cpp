// Processes that train together (see the header).
#define USE_C10D_GLOO
#include "train/peers.h"

#include <c10/util/Logging.h>
#include <torch/types.h>
#include <torch/utils.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <thread>

#include "support/interrupt.h"
#include "support/utf8.h"
#include "train/nccl.h"
#include "unclip/error.h"

namespace unclip {
namespace {

using std::chrono::milliseconds;
using Moment = std::chrono::steady_clock::time_point;

constexpr milliseconds kSilence = std::chrono::minutes(30);  // rank 0 may draw and save in the meantime
constexpr milliseconds kLook = milliseconds(20), kAttempt = milliseconds(500);

// c10d's texts: "[file:line] what", and a stack trace on the lines below.
std::string reason(const std::exception& fault) {
  std::string text = fault.what();
  text = text.substr(0, text.find('\n'));
  if (text.starts_with("[") && text.find("] ") != std::string::npos) text.erase(0, text.find("] ") + 2);
  return excerpt(text);
}

std::string process(int rank, int size) {
  return "process " + std::to_string(rank) + " of " + std::to_string(size);
}

[[noreturn]] void lose(int rank, int size, const std::string& why) {
  throw Error(ExitCode::jobs_failed, process(rank, size) + ": lost the others: " + why,
              "the message of the process that ended first says more; start all of them again to go on from "
              "the last checkpoint");
}

c10::intrusive_ptr<c10d::Store> open_store(const Place& place, Moment end) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<uint16_t>(place.port);
  options.isServer = place.rank == 0 && !place.launcher_listens;
  options.waitWorkers = false;
  options.timeout = kAttempt;
  const std::string where = excerpt(place.host) + ":" + std::to_string(place.port);
  while (true) {
    throw_if_interrupted();
    try {
      return c10::make_intrusive<c10d::TCPStore>(place.host, options);
    } catch (const std::exception& fault) {
      if (options.isServer)
        throw Error(ExitCode::usage,
                    process(0, place.size) + ": cannot listen at " + where + ": " + reason(fault),
                    "MASTER_ADDR must be this machine, and MASTER_PORT a port that no other program uses");
      if (std::chrono::steady_clock::now() > end)
        throw Error(ExitCode::jobs_failed,
                    process(place.rank, place.size) + ": process 0 does not answer at " + where,
                    "start all processes, with the MASTER_ADDR and MASTER_PORT of the first");
    }
  }
}

torch::Tensor bytes_of(const torch::Tensor& tensor) {
  return tensor.contiguous().flatten().view(torch::kUInt8);
}

}  // namespace

struct Peers::Group {
  c10::intrusive_ptr<c10d::Store> store;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo;
  std::unique_ptr<Nccl> nccl;  // where tensors are on GPUs
  int rank = 0, size = 1;

  static std::string here(const std::string& meeting, int rank) {
    return meeting + "/" + std::to_string(rank);
  }

  // `call` starts what all processes do together.
  template <class Call>
  void together(Call call) {
    try {
      call()->wait();
    } catch (const std::exception& fault) {
      lose(rank, size, reason(fault));
    }
  }

  // The first one that has not come in time, or none.
  std::optional<int> await(const std::string& meeting, Moment end) {
    store->set(here(meeting, rank), std::string("1"));
    for (int other = 0; other < size; ++other)
      while (!store->check({here(meeting, other)})) {
        throw_if_interrupted();
        if (store->check({here("left", other)})) lose(rank, size, process(other, size) + " has ended");
        if (std::chrono::steady_clock::now() > end) return other;
        std::this_thread::sleep_for(kLook);
      }
    return {};
  }

  ~Group() {
    try {  // rank 0 may have ended, and the store with it
      store->set(here("left", rank), std::string("1"));
    } catch (const std::exception&) {
    }
  }
};

Peers::Peers() = default;
Peers::~Peers() = default;

Peers::Peers(const Place& place, torch::Device device, milliseconds patience)
    : rank_(place.rank), size_(place.size) {
  if (size_ == 1) return;
  FLAGS_caffe2_log_level =
      3;  // c10d logs each attempt with a stack trace; what fails in the end is told here
  const Moment end = std::chrono::steady_clock::now() + patience;
  auto store = c10::make_intrusive<c10d::PrefixStore>("unclip/" + place.round, open_store(place, end));
  group_ = std::make_unique<Group>();
  group_->store = store;
  group_->rank = rank_;
  group_->size = size_;
  store->setTimeout(kSilence);
  try {
    if (const auto missing = group_->await("join", end))
      throw Error(
          ExitCode::jobs_failed,
          process(*missing, size_) + " did not come within " + std::to_string(patience.count() / 1000) + " s",
          "start it, too; MASTER_ADDR and MASTER_PORT must be the same in all of them");
    group_->gloo = c10::make_intrusive<c10d::ProcessGroupGloo>(
        store, rank_, size_, c10d::ProcessGroupGloo::Options::create_default(kSilence));
  } catch (const Error&) {
    throw;
  } catch (const std::exception& fault) {
    lose(rank_, size_, reason(fault));
  }
  if (!device.is_cpu())
    group_->nccl = Nccl::join(rank_, size_, device, [this](const std::string& text) { return share(text); });
}

void Peers::meet() {
  if (size_ == 1) return;
  try {
    const Moment end = std::chrono::steady_clock::now() + kSilence;
    if (const auto missing = group_->await("meeting" + std::to_string(++meetings_), end))
      lose(rank_, size_, process(*missing, size_) + " does not answer");
  } catch (const Error&) {
    throw;
  } catch (const std::exception& fault) {
    lose(rank_, size_, reason(fault));
  }
}

// Where there is no NCCL for a device, its tensors go by way of the host.
torch::Tensor Peers::exchange(const torch::Tensor& parts) {
  if (size_ == 1) return parts;
  const bool direct = parts.is_cpu() || group_->nccl != nullptr;
  const torch::Tensor mine = bytes_of(direct ? parts : parts.cpu());
  torch::Tensor received = torch::empty_like(mine), sent = mine;
  std::vector<int64_t> equal_parts;
  if (parts.is_cpu() || !direct)
    group_->together([&] { return group_->gloo->alltoall_base(received, sent, equal_parts, equal_parts); });
  else
    group_->nccl->exchange(sent, received);
  return received.view(parts.scalar_type()).to(parts.device());
}

torch::Tensor Peers::gather(const torch::Tensor& mine) {
  if (size_ == 1) return mine;
  const bool direct = mine.is_cpu() || group_->nccl != nullptr;
  torch::Tensor sent = bytes_of(direct ? mine : mine.cpu());
  torch::Tensor all = torch::empty({size_ * sent.numel()}, sent.options());
  if (mine.is_cpu() || !direct)
    group_->together([&] { return group_->gloo->_allgather_base(all, sent); });
  else
    group_->nccl->gather(sent, all);
  return all.view(mine.scalar_type()).to(mine.device());
}

std::vector<double> Peers::gather(const std::vector<double>& mine) {
  const torch::Tensor all = gather(torch::tensor(mine, torch::kFloat64));
  return {all.data_ptr<double>(), all.data_ptr<double>() + all.numel()};
}

void Peers::take_from_first(const torch::Tensor& tensor) {
  if (size_ == 1 || tensor.numel() == 0) return;
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> host{bytes_of(tensor.cpu())};
  group_->together([&] { return group_->gloo->broadcast(host); });
  if (!is_first()) torch::Tensor(tensor).copy_(host[0].view(tensor.scalar_type()).view(tensor.sizes()));
}

std::string Peers::share(const std::string& text_of_first) {
  torch::Tensor bytes = torch::empty({static_cast<int64_t>(text_of_first.size())}, torch::kUInt8);
  std::copy(text_of_first.begin(), text_of_first.end(), bytes.data_ptr<uint8_t>());
  take_from_first(bytes);
  return {bytes.data_ptr<uint8_t>(), bytes.data_ptr<uint8_t>() + bytes.numel()};
}

}  // namespace unclip
