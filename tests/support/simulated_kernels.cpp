// The operations of the simulated accelerator: a few of its own, and all others on the host, by the CPU's
// kernels.
#include <ATen/EmptyTensor.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/view_native.h>
#include <torch/library.h>
#include <torch/types.h>

#include <array>
#include <map>

#include "support/simulated_parts.h"

namespace unclip::simulated {
namespace {

using c10::Device;
using c10::IValue;
using torch::Tensor;

Tensor empty(c10::SymIntArrayRef size, std::optional<at::ScalarType> dtype, std::optional<at::Layout>,
             std::optional<Device> device, std::optional<bool>, std::optional<at::MemoryFormat> format) {
  const c10::OptionalDeviceGuard guard(device);
  return at::detail::empty_generic(C10_AS_INTARRAYREF_SLOW(size), &device_memory(),
                                   c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                   dtype.value_or(at::ScalarType::Float), format);
}

Tensor empty_strided(c10::SymIntArrayRef size, c10::SymIntArrayRef stride,
                     std::optional<at::ScalarType> dtype, std::optional<at::Layout>,
                     std::optional<Device> device, std::optional<bool>) {
  const c10::OptionalDeviceGuard guard(device);
  return at::detail::empty_strided_generic(
      C10_AS_INTARRAYREF_SLOW(size), C10_AS_INTARRAYREF_SLOW(stride), &device_memory(),
      c10::DispatchKeySet(c10::DispatchKey::PrivateUse1), dtype.value_or(at::ScalarType::Float));
}

// The tensors of one call as the host's kernels see them: the same memory by its true address.
class HostView {
 public:
  explicit HostView(std::string operation) : operation_(std::move(operation)) {}

  // A tensor of the device, or a number that the host holds.
  Tensor of(const Tensor& tensor) {
    if (!tensor.defined()) return tensor;
    if (tensor.is_cpu() && tensor.dim() == 0) return tensor;
    TORCH_CHECK(tensor.device().type() == kType && tensor.device() == device_.value_or(tensor.device()),
                operation_, ": expected all tensors on one device, found ", device_.value_or(Device(kType)),
                " and ", tensor.device());
    device_ = tensor.device();
    const auto [place, is_new] = tensors_.try_emplace(tensor.unsafeGetTensorImpl());
    if (!is_new) return place->second;
    return place->second =
               at::empty({0}, tensor.options().device(at::kCPU))
                   .set_(storage(tensor), tensor.storage_offset(), tensor.sizes(), tensor.strides());
  }

  IValue of(const IValue& value) {
    if (value.isTensor()) return of(value.toTensor());
    if (value.isTensorList()) {
      c10::List<Tensor> list;
      for (const Tensor& tensor : value.toTensorVector()) list.push_back(of(tensor));
      return list;
    }
    if (value.isOptionalTensorList()) {
      c10::List<std::optional<Tensor>> list;
      for (const auto& tensor : value.toOptionalTensorVector())
        list.push_back(tensor ? std::optional(of(*tensor)) : std::nullopt);
      return list;
    }
    if (value.isGenerator()) {
      const at::Generator generator = value.toGenerator();
      TORCH_CHECK(generator.device().type() == kType, operation_, ": a generator of ", generator.device());
      return host_generator(generator);
    }
    return value;
  }

  // What the operation made, on the device: a view where it is one.
  Tensor back(const Tensor& result) {
    if (!result.defined()) return result;
    TORCH_CHECK(device_, operation_, ": none of its tensors is on the device");
    for (const auto& [original, alias] : storages_)
      if (alias.is_alias_of(result.storage())) {
        Tensor view = at::detail::make_tensor<c10::TensorImpl>(
            c10::Storage(c10::intrusive_ptr<c10::StorageImpl>::reclaim_copy(original)),
            c10::DispatchKeySet(c10::DispatchKey::PrivateUse1), result.dtype());
        view.unsafeGetTensorImpl()->set_sizes_and_strides(result.sizes(), result.strides(),
                                                          result.storage_offset());
        return view;
      }
    Tensor copy = at::empty_strided(result.sizes(), result.strides(), result.options().device(*device_));
    HostView(operation_).of(copy).copy_(result);
    return copy;
  }

  // The operation may have resized what it wrote.
  void keep_size(const Tensor& tensor) {
    if (!tensor.defined() || of(tensor).sizes() == tensor.sizes()) return;
    const Tensor made = back(of(tensor).clone());
    tensor.unsafeGetTensorImpl()->set_storage_keep_dtype(made.storage());
    tensor.unsafeGetTensorImpl()->set_sizes_and_strides(made.sizes(), made.strides(), 0);
  }

  bool has_device() const { return device_.has_value(); }

 private:
  c10::Storage storage(const Tensor& tensor) {
    const c10::Storage& own = tensor.storage();
    const auto [place, is_new] = storages_.try_emplace(own.unsafeGetStorageImpl());
    if (is_new)
      place->second =
          c10::Storage(c10::Storage::use_byte_size_t(), own.nbytes(),
                       c10::DataPtr(on_host(own.data()), Device(at::kCPU)), at::getCPUAllocator(), true);
    return place->second;
  }

  std::string operation_;
  std::optional<Device> device_;
  std::map<c10::TensorImpl*, Tensor> tensors_;
  std::map<c10::StorageImpl*, c10::Storage> storages_;
};

// Copies within the host or a device are neither in nor out.
Tensor copy_from(const Tensor& from, const Tensor& to, bool non_blocking) {
  const bool out = !from.is_cpu() && to.is_cpu();
  counters().in += from.is_cpu() && !to.is_cpu();
  counters().out += out;
  const auto on_cpu = [](const Tensor& t) { return t.is_cpu() ? t : HostView("copy_").of(t); };
  if (out && non_blocking) {
    copy_later([to, now = on_cpu(from).clone()] { to.copy_(now); });
    return to;
  }
  if (out) make_copies();
  on_cpu(to).copy_(on_cpu(from));
  return to;
}

at::Scalar read(const Tensor& number) {
  make_copies();
  ++counters().reads;
  return HostView("item").of(number).item();
}

bool can_become_one_another(const Tensor& a, const Tensor& b) {
  return a.layout() == at::kStrided && b.layout() == at::kStrided;
}

// Every operation that has no kernel above.
void run_on_host(const c10::OperatorHandle& operation, c10::DispatchKeySet, torch::jit::Stack* stack) {
  const auto& schema = operation.schema();
  HostView host(schema.name());
  const auto arguments = torch::jit::last(stack, schema.arguments().size()).vec();
  for (size_t i = 0; i < arguments.size(); ++i)
    torch::jit::peek(*stack, i, arguments.size()) = host.of(arguments[i]);
  TORCH_CHECK(host.has_device(), schema.name(), ": none of its tensors is on the device of its generator");
  operation.callBoxed(stack);

  const auto is_written = [](const c10::Argument& a) { return a.alias_info() && a.alias_info()->isWrite(); };
  for (size_t i = 0; i < arguments.size(); ++i)
    if (is_written(schema.arguments()[i]) && arguments[i].isTensor()) host.keep_size(arguments[i].toTensor());
  const auto& returns = schema.returns();
  for (size_t r = 0; r < returns.size(); ++r) {
    IValue& value = torch::jit::peek(*stack, r, returns.size());
    if (is_written(returns[r])) {
      for (size_t i = 0; i < arguments.size(); ++i)
        if (is_written(schema.arguments()[i]) &&
            *schema.arguments()[i].alias_info() == *returns[r].alias_info())
          value = arguments[i];
    } else if (value.isTensor()) {
      value = host.back(value.toTensor());
    } else if (value.isTensorList()) {
      c10::List<Tensor> list;
      for (const Tensor& tensor : value.toTensorVector()) list.push_back(host.back(tensor));
      value = list;
    } else {
      ++counters().reads;  // the host waits for the answer
    }
  }
  for (const char* waits : {"aten::nonzero", "aten::masked_select"})
    counters().reads += schema.name() == waits;
}

// As CUDA's group norm, which knows no channels-last images.
void run_contiguous_on_host(const c10::OperatorHandle& operation, c10::DispatchKeySet keys,
                            torch::jit::Stack* stack) {
  const size_t count = operation.schema().arguments().size();
  for (size_t i = 0; i < count; ++i) {
    IValue& value = torch::jit::peek(*stack, i, count);
    if (value.isTensor() && value.toTensor().defined()) value = value.toTensor().contiguous();
  }
  run_on_host(operation, keys, stack);
}

// Back ends that are none of torch's own get convolutions under other names.
Tensor convolution(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias,
                   at::IntArrayRef stride, at::IntArrayRef padding, at::IntArrayRef dilation, bool transposed,
                   at::IntArrayRef output_padding, int64_t groups) {
  HostView host("convolution");
  const auto host_bias = bias ? std::optional(host.of(*bias)) : std::nullopt;
  return host.back(at::convolution(host.of(x), host.of(weight), host_bias, stride, padding, dilation,
                                   transposed, output_padding, groups));
}

std::tuple<Tensor, Tensor, Tensor> convolution_backward(const Tensor& gradient, const Tensor& x,
                                                        const Tensor& weight, at::IntArrayRef stride,
                                                        at::IntArrayRef padding, at::IntArrayRef dilation,
                                                        bool transposed, at::IntArrayRef output_padding,
                                                        int64_t groups, std::array<bool, 3> mask) {
  HostView host("convolution_backward");
  const auto bias_size = mask[2] ? at::OptionalIntArrayRef({gradient.size(1)}) : std::nullopt;
  const auto [dx, dw, db] =
      at::convolution_backward(host.of(gradient), host.of(x), host.of(weight), bias_size, stride, padding,
                               dilation, transposed, output_padding, groups, mask);
  return {host.back(dx), host.back(dw), host.back(db)};
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, m) {
  m.impl("empty.memory_format", &empty);
  m.impl("empty_strided", &empty_strided);
  m.impl("view", &at::native::view);
  m.impl("as_strided", &at::native::as_strided_tensorimpl);
  m.impl("_reshape_alias", &at::native::_reshape_alias);
  m.impl("_copy_from", &copy_from);
  m.impl("_local_scalar_dense", &read);
  m.impl("_has_compatible_shallow_copy_type", &can_become_one_another);
  m.impl("native_group_norm", torch::CppFunction::makeFromBoxedFunction<&run_contiguous_on_host>());
  m.impl("native_group_norm_backward", torch::CppFunction::makeFromBoxedFunction<&run_contiguous_on_host>());
  m.impl("convolution_overrideable", &convolution);
  m.impl("convolution_backward_overrideable", &convolution_backward);
}

TORCH_LIBRARY_IMPL(_, PrivateUse1, m) {
  m.fallback(torch::CppFunction::makeFromBoxedFunction<&run_on_host>());
}

}  // namespace
}  // namespace unclip::simulated
