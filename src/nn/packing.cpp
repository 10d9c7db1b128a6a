// Calls oneDNN's packed operations through torch's dispatcher; they are what torch.compile's frozen graphs
// call.
#include "nn/packing.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/utils.h>

#include "nn/winograd.h"

namespace unclip {
namespace {

using torch::Tensor;
using OptionalTensor = std::optional<Tensor>;
using Scalars = torch::List<std::optional<at::Scalar>>;

template <class Signature>
auto find_operator(const char* name) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, "").typed<Signature>();
}

OptionalTensor optional(const Tensor& bias) { return bias.defined() ? OptionalTensor(bias) : std::nullopt; }

// The plain weight's memory goes; its name, shape and dtype stay visible.
void give_up_storage(Tensor& weight) {
  weight.set_data(torch::empty({1}, weight.options()).expand(weight.sizes()));
}

Tensor pack(LinearImpl& layer, int64_t rows) {
  static const auto reorder =
      find_operator<Tensor(const Tensor&, std::optional<int64_t>)>("mkldnn::_reorder_linear_weight");
  Tensor packed = reorder.call(layer.weight, rows);
  give_up_storage(layer.weight);
  return packed;
}

// Of a convolution that has been packed one way.
void give_up_weight(Conv2dImpl& layer) {
  if (!layer.both_ways) give_up_storage(layer.weight);
}

Tensor pack(Conv2dImpl& layer, at::IntArrayRef input) {
  static const auto reorder =
      find_operator<Tensor(const Tensor&, at::IntArrayRef, at::IntArrayRef, at::IntArrayRef, int64_t,
                           at::OptionalIntArrayRef)>("mkldnn::_reorder_convolution_weight");
  const std::vector<int64_t> stride(2, layer.stride), padding(2, layer.padding), dilation(2, 1);
  Tensor packed = reorder.call(layer.weight, padding, stride, dilation, 1, input);
  give_up_weight(layer);
  return packed;
}

// [out,in,3,3] → [in,out,4,4]. Rows 2i and 2i+1 of the doubled image are row i of x. So row 2i of the result
// is w₀x(i−1) + (w₁+w₂)x(i), and row 2i+1 is (w₀+w₁)x(i) + w₂x(i+1); columns likewise.
Tensor doubling_kernel(const Tensor& weight) {
  const Tensor wide = weight.to(torch::kFloat64);
  const auto spread = [](const Tensor& w, int64_t dim) {
    const auto tap = [&](int64_t i) { return w.narrow(dim, i, 1); };
    return at::cat({tap(2), tap(1) + tap(2), tap(0) + tap(1), tap(0)}, dim);
  };
  return spread(spread(wide, 2), 3).transpose(0, 1).to(weight.scalar_type()).contiguous();
}

const std::vector<int64_t> kTwo(2, 2), kOne(2, 1), kNone(2, 0);  // of rows and columns

Tensor pack_doubling(Conv2dImpl& layer, at::IntArrayRef input) {
  static const auto reorder =
      find_operator<Tensor(const Tensor&, at::IntArrayRef, at::IntArrayRef, at::IntArrayRef, at::IntArrayRef,
                           int64_t, at::OptionalIntArrayRef)>(
          "mkldnn::_reorder_convolution_transpose_weight");
  Tensor packed = reorder.call(doubling_kernel(layer.weight), kOne, kNone, kTwo, kOne, 1, input);
  give_up_weight(layer);
  return packed;
}

Tensor convolve_by_winograd(Conv2dImpl& layer, OnceTensor& packed, const Tensor& x, bool doubled,
                            const Tensor& residual = {}) {
  const Tensor& kernel = packed.get([&] {
    Tensor made = winograd_kernel(layer.weight, doubled);
    give_up_weight(layer);
    return made;
  });
  return winograd_conv2d(x, kernel, layer.bias, doubled, residual);
}

// Whether oneDNN computes in `dtype` on this CPU.
bool can_pack(torch::Dtype dtype) {
  const auto is_supported = [](const char* name) { return find_operator<bool()>(name).call(); };
  if (dtype == torch::kBFloat16) return is_supported("mkldnn::_is_mkldnn_bf16_supported");
  if (dtype == torch::kFloat16) return is_supported("mkldnn::_is_mkldnn_fp16_supported");
  return dtype == torch::kFloat32;
}

}  // namespace

void pack_weights(torch::nn::Module& module) {
  module.apply([](torch::nn::Module& child) {
    if (auto* linear = child.as<LinearImpl>()) linear->packs = can_pack(linear->weight.scalar_type());
    if (auto* conv = child.as<Conv2dImpl>()) {
      conv->packs = can_pack(conv->weight.scalar_type());
      conv->winograd = conv->packs && conv->stride == 1 && conv->padding == 1 && suits_winograd(conv->weight);
      // In bfloat16 the sums of four taps would be rounded once more than the kernel.
      conv->packs_doubling = conv->winograd || (conv->packs && conv->weight.scalar_type() == torch::kFloat32);
    }
  });
}

void give_up_weights(torch::nn::Module& module) {
  const torch::NoGradGuard no_grad;
  for (Tensor& parameter : module.parameters()) give_up_storage(parameter);
  for (Tensor& buffer : module.buffers()) give_up_storage(buffer);
  module.apply([](torch::nn::Module& child) {
    if (auto* linear = child.as<LinearImpl>()) linear->packed.reset();
    if (auto* conv = child.as<Conv2dImpl>()) conv->packed.reset(), conv->doubling.reset();
  });
}

Tensor packed_linear(LinearImpl& layer, const Tensor& x) {
  static const auto linear =
      find_operator<Tensor(const Tensor&, const Tensor&, const OptionalTensor&, c10::string_view, Scalars,
                           std::optional<c10::string_view>)>("mkldnn::_linear_pointwise");
  const Tensor& weight = layer.packed.get([&] { return pack(layer, x.numel() / x.size(-1)); });
  return linear.call(x, weight, optional(layer.bias), "none", Scalars(), "");
}

Tensor packed_winograd_conv2d(Conv2dImpl& layer, const Tensor& x, const Tensor& residual) {
  return convolve_by_winograd(layer, layer.packed, x, /*doubled=*/false, residual);
}

Tensor packed_conv2d(Conv2dImpl& layer, const Tensor& x) {
  static const auto convolution = find_operator<Tensor(
      const Tensor&, const Tensor&, const OptionalTensor&, at::IntArrayRef, at::IntArrayRef, at::IntArrayRef,
      int64_t, c10::string_view, Scalars, std::optional<c10::string_view>)>("mkldnn::_convolution_pointwise");
  const Tensor& weight = layer.packed.get([&] { return pack(layer, x.sizes()); });
  const std::vector<int64_t> strides(2, layer.stride), paddings(2, layer.padding), dilation(2, 1);
  return convolution.call(x, weight, optional(layer.bias), paddings, strides, dilation, 1, "none", Scalars(),
                          "");
}

Tensor packed_doubling_conv2d(Conv2dImpl& layer, const Tensor& x) {
  if (layer.winograd) return convolve_by_winograd(layer, layer.doubling, x, /*doubled=*/true);
  static const auto convolution = find_operator<Tensor(
      const Tensor&, const Tensor&, const OptionalTensor&, at::IntArrayRef, at::IntArrayRef, at::IntArrayRef,
      at::IntArrayRef, int64_t, c10::string_view, Scalars, std::optional<c10::string_view>)>(
      "mkldnn::_convolution_transpose_pointwise");
  const Tensor& weight = layer.doubling.get([&] { return pack_doubling(layer, x.sizes()); });
  return convolution.call(x, weight, optional(layer.bias), kOne, kNone, kTwo, kOne, 1, "none", Scalars(), "");
}

}  // namespace unclip
