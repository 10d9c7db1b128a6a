// Records on a side stream, since the default one cannot be recorded, into a memory pool of the recording's
// own.
#include "recording.h"

#include <ATen/cuda/CUDAEvent.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

namespace unclip::cuda {
namespace {

class Graph final : public Recording {
 public:
  void record(const std::function<void()>& work) {
    // Other threads may use the device meanwhile: what they do is no part of the recording and does not end
    // it.
    graph_.capture_begin(pool_, cudaStreamCaptureModeThreadLocal);
    try {
      work();
    } catch (...) {
      abandon();
      throw;
    }
    graph_.capture_end();
  }

  void replay() override { graph_.replay(); }

 private:
  void abandon() {
    try {
      graph_.capture_end();
    } catch (const c10::Error&) {  // the recording is broken, which is why we are here
    }
    static_cast<void>(cudaGetLastError());
  }

  const at::cuda::MempoolId_t pool_ = at::cuda::graph_pool_handle();
  at::cuda::CUDAGraph graph_;
};

}  // namespace

std::unique_ptr<Recording> record(torch::Device device, const std::function<void()>& work) {
  const c10::cuda::CUDAGuard on_device(device);
  const c10::cuda::CUDAStream main = c10::cuda::getCurrentCUDAStream();
  const c10::cuda::CUDAStream side = c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device.index());
  auto graph = std::make_unique<Graph>();
  main.synchronize();  // what `work` reads is there
  {
    const c10::cuda::CUDAStreamGuard on_side(side);
    for (int i = 0; i < 2; ++i) work();  // libraries choose their algorithms and take their workspaces
    side.synchronize();
    c10::cuda::CUDACachingAllocator::emptyCache();  // what that took of the side stream's memory nobody else
                                                    // could use
    graph->record(work);
    side.synchronize();
  }
  return graph;
}

}  // namespace unclip::cuda
