// NCCL's C functions (see the header); their types are those of nccl.h, which keeps them from version to
// version.
#include "train/nccl.h"

#include <ATen/DeviceGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>

#include <array>
#include <cstring>

#include "unclip/error.h"

namespace unclip {
namespace {

using Communicator = void*;
using Stream = void*;
constexpr int kUint8 = 1;

Stream current_stream(torch::Device device) {
  return c10::impl::VirtualGuardImpl(device.type()).getStream(device).native_handle();
}

template <class Function>
bool look_up(const char* name, Function*& function) {
  function = reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
  return function != nullptr;
}

}  // namespace

struct Nccl::Calls {
  struct UniqueId {
    std::array<char, 128> bytes{};
  };

  int (*get_unique_id)(UniqueId* id) = nullptr;
  int (*init_rank)(Communicator* communicator, int size, UniqueId id, int rank) = nullptr;
  int (*abort)(Communicator communicator) = nullptr;
  int (*group_start)() = nullptr;
  int (*group_end)() = nullptr;
  int (*send)(const void* data, size_t count, int type, int to, Communicator, Stream) = nullptr;
  int (*receive)(void* data, size_t count, int type, int from, Communicator, Stream) = nullptr;
  int (*all_gather)(const void* mine, void* all, size_t count, int type, Communicator, Stream) = nullptr;
  const char* (*error_text)(int result) = nullptr;

  bool found() {
    return look_up("ncclGetUniqueId", get_unique_id) && look_up("ncclCommInitRank", init_rank) &&
           look_up("ncclCommAbort", abort) && look_up("ncclGroupStart", group_start) &&
           look_up("ncclGroupEnd", group_end) && look_up("ncclSend", send) && look_up("ncclRecv", receive) &&
           look_up("ncclAllGather", all_gather) && look_up("ncclGetErrorString", error_text);
  }

  void check(int result) const {
    if (result != 0)
      throw Error(ExitCode::jobs_failed, std::string("NCCL: ") + error_text(result),
                  "set NCCL_DEBUG=WARN to learn more");
  }
};

Nccl::Nccl(const Calls& calls, int size, torch::Device device)
    : calls_(calls), size_(size), device_(device) {}

std::unique_ptr<Nccl> Nccl::join(int rank, int size, torch::Device device,
                                 const std::function<std::string(const std::string&)>& share) {
  static Calls calls;
  if (!calls.found()) return nullptr;
  const c10::DeviceGuard guard(device);
  Calls::UniqueId id;
  if (rank == 0) calls.check(calls.get_unique_id(&id));
  const std::string shared = share({id.bytes.data(), id.bytes.size()});
  std::memcpy(id.bytes.data(), shared.data(), std::min(shared.size(), id.bytes.size()));
  std::unique_ptr<Nccl> nccl(new Nccl(calls, size, device));
  calls.check(calls.init_rank(&nccl->communicator_, size, id, rank));
  return nccl;
}

// Not "destroy", which waits for the others: where one of them has ended it would wait for ever.
Nccl::~Nccl() {
  if (communicator_ != nullptr) calls_.abort(communicator_);
}

void Nccl::exchange(const torch::Tensor& parts, const torch::Tensor& received) const {
  const c10::DeviceGuard guard(device_);
  const Stream stream = current_stream(device_);
  const auto count = static_cast<size_t>(parts.numel()) / static_cast<size_t>(size_);
  calls_.check(calls_.group_start());
  for (int peer = 0; peer < size_; ++peer) {
    const size_t offset = static_cast<size_t>(peer) * count;
    calls_.check(calls_.send(parts.data_ptr<uint8_t>() + offset, count, kUint8, peer, communicator_, stream));
    calls_.check(
        calls_.receive(received.data_ptr<uint8_t>() + offset, count, kUint8, peer, communicator_, stream));
  }
  calls_.check(calls_.group_end());
}

void Nccl::gather(const torch::Tensor& mine, const torch::Tensor& all) const {
  const c10::DeviceGuard guard(device_);
  calls_.check(calls_.all_gather(mine.data_ptr<uint8_t>(), all.data_ptr<uint8_t>(),
                                 static_cast<size_t>(mine.numel()), kUint8, communicator_,
                                 current_stream(device_)));
}

}  // namespace unclip
