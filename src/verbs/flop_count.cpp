// A callback of torch's profiler on the operations that the others end in, so that none is counted twice.
#include "verbs/flop_count.h"

#include <ATen/record_function.h>
#include <torch/types.h>

#include <atomic>
#include <functional>
#include <map>
#include <string>

namespace unclip {
namespace {

using Inputs = c10::ArrayRef<const c10::IValue>;

std::atomic<int64_t> counted = 0;  // the parts of a batch are computed side by side

const torch::Tensor& tensor(Inputs inputs, size_t i) { return inputs[i].toTensor(); }

// x [...,K] and W [N,K]: each of N results for each row is K products.
int64_t linear_flops(Inputs in) { return 2 * tensor(in, 0).numel() * tensor(in, 1).size(0); }

// a [...,M,K] b [...,K,N], the first of them at place `first`.
template <size_t first>
int64_t product_flops(Inputs in) {
  return 2 * tensor(in, first).numel() * tensor(in, first + 1).size(-1);
}

// x [B,in,H,W], W [out,in/groups,k,k] at stride s: its results are H·W/s² in place of H·W, the padding making
// up for the kernel.
template <size_t stride>
int64_t convolution_flops(Inputs in) {
  const torch::Tensor &x = tensor(in, 0), &weight = tensor(in, 1);
  int64_t positions = x.size(0);
  const auto strides = in[stride].toIntVector();
  for (int64_t i = 2; i < x.dim(); ++i) {
    const int64_t step = strides[std::min(strides.size() - 1, static_cast<size_t>(i - 2))];
    positions *= (x.size(i) + step - 1) / step;
  }
  return 2 * positions * weight.numel();
}

// q [B,h,L,d], k [B,h,S,d], v [B,h,S,d']: scores, and what they weigh.
int64_t attention_flops(Inputs in) {
  const torch::Tensor &q = tensor(in, 0), &k = tensor(in, 1), &v = tensor(in, 2);
  return 2 * q.numel() * k.size(-2) + 2 * q.numel() / q.size(-1) * v.size(-2) * v.size(-1);
}

// x [B,in,H,W], output channels, whether x is doubled first: as the convolution that it stands for.
int64_t winograd_flops(Inputs in) {
  return 2 * 9 * tensor(in, 0).numel() * in[1].toInt() * (in[2].toBool() ? 4 : 1);
}

const std::map<std::string, std::function<int64_t(Inputs)>, std::less<>>& counters() {
  static const std::map<std::string, std::function<int64_t(Inputs)>, std::less<>> table{
      {"aten::mm", product_flops<0>},
      {"aten::bmm", product_flops<0>},
      {"aten::addmm", product_flops<1>},
      {"aten::baddbmm", product_flops<1>},
      {"aten::mkldnn_linear", linear_flops},
      {"mkldnn::_linear_pointwise", linear_flops},
      {"mkldnn::_convolution_pointwise", convolution_flops<4>},
      {"aten::mkldnn_convolution", convolution_flops<4>},
      {"aten::cudnn_convolution", convolution_flops<4>},
      {"aten::_slow_conv2d_forward", convolution_flops<4>},
      {"unclip::winograd_conv2d", winograd_flops},
      {"unclip::attend_in_blocks", attention_flops},
      {"aten::_scaled_dot_product_flash_attention_for_cpu", attention_flops},
      {"aten::_scaled_dot_product_flash_attention", attention_flops},
      {"aten::_scaled_dot_product_efficient_attention", attention_flops},
      {"aten::_scaled_dot_product_cudnn_attention", attention_flops},
  };
  return table;
}

std::unique_ptr<at::ObserverContext> count(const at::RecordFunction& call) {
  const auto counter = counters().find(std::string_view(call.name()));
  if (counter != counters().end()) counted += counter->second(call.inputs());
  return nullptr;
}

}  // namespace

FlopCount::FlopCount()
    : callback_(at::addGlobalCallback(
          at::RecordFunctionCallback(count).needsInputs(true).scopes({at::RecordScope::FUNCTION}))) {
  counted = 0;
}

FlopCount::~FlopCount() { at::removeCallback(callback_); }

int64_t FlopCount::operations() { return counted; }

}  // namespace unclip
