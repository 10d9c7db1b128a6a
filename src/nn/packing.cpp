// Calls oneDNN's packed operations through torch's dispatcher; they are what torch.compile's frozen graphs
// call.
#include "unclip/nn/packing.h"

#include <ATen/core/dispatch/Dispatcher.h>

#include "unclip/nn/layers.h"

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

void pack(LinearImpl& layer) {
  static const auto reorder =
      find_operator<Tensor(const Tensor&, std::optional<int64_t>)>("mkldnn::_reorder_linear_weight");
  layer.packed = reorder.call(layer.weight, std::nullopt);
  give_up_storage(layer.weight);
}

void pack(Conv2dImpl& layer) {
  static const auto reorder =
      find_operator<Tensor(const Tensor&, at::IntArrayRef, at::IntArrayRef, at::IntArrayRef, int64_t,
                           at::OptionalIntArrayRef)>("mkldnn::_reorder_convolution_weight");
  const std::vector<int64_t> stride(2, layer.stride), padding(2, layer.padding), dilation(2, 1);
  layer.packed = reorder.call(layer.weight, padding, stride, dilation, 1, std::nullopt);
  give_up_storage(layer.weight);
}

}  // namespace

void pack_weights(torch::nn::Module& module, const std::function<void()>& layer_done) {
  torch::NoGradGuard no_grad;
  module.apply([&](torch::nn::Module& child) {
    auto* linear = child.as<LinearImpl>();
    auto* conv = child.as<Conv2dImpl>();
    if (linear != nullptr) pack(*linear);
    if (conv != nullptr) pack(*conv);
    if (linear != nullptr || conv != nullptr) layer_done();
  });
}

Tensor packed_linear(const Tensor& x, const Tensor& packed, const Tensor& bias) {
  static const auto linear =
      find_operator<Tensor(const Tensor&, const Tensor&, const OptionalTensor&, c10::string_view, Scalars,
                           std::optional<c10::string_view>)>("mkldnn::_linear_pointwise");
  return linear.call(x, packed, optional(bias), "none", Scalars(), "");
}

Tensor packed_conv2d(const Tensor& x, const Tensor& packed, const Tensor& bias, int64_t stride,
                     int64_t padding) {
  static const auto convolution = find_operator<Tensor(
      const Tensor&, const Tensor&, const OptionalTensor&, at::IntArrayRef, at::IntArrayRef, at::IntArrayRef,
      int64_t, c10::string_view, Scalars, std::optional<c10::string_view>)>("mkldnn::_convolution_pointwise");
  const std::vector<int64_t> strides(2, stride), paddings(2, padding), dilation(2, 1);
  return convolution.call(x, packed, optional(bias), paddings, strides, dilation, 1, "none", Scalars(), "");
}

}  // namespace unclip
