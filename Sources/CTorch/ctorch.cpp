// The shim between CTorchAPI.h and libtorch. Nothing is decided here: every function hands over to one call of libtorch.
// It compiles against libtorch 2.11 and later.
#include "CTorchAPI.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <dlfcn.h>
#include <torch/version.h>

#include <atomic>
#include <string>

namespace {

thread_local std::string error_text;
std::atomic<int64_t> live{0};

at::Tensor &tensor_of(ct_tensor handle) { return *reinterpret_cast<at::Tensor *>(handle); }

ct_tensor own(at::Tensor tensor) {
  ++live;
  return reinterpret_cast<ct_tensor>(new at::Tensor(std::move(tensor)));
}

// Runs `body`; what it throws becomes the last error and `failure`.
template <typename Result, typename Body>
Result guarded(Result failure, Body body) noexcept {
  try {
    return body();
  } catch (const c10::Error &error) {
    error_text = error.what_without_backtrace();
  } catch (const std::exception &error) {
    error_text = error.what();
  } catch (...) {
    error_text = "libtorch threw something that is not an exception";
  }
  return failure;
}

// libtorch_cuda registers its kernels when it is loaded; it must be there before the first tensor.
void load_cuda() {
  Dl_info here;
  if (!dladdr(reinterpret_cast<const void *>(&at::get_num_threads), &here) || !here.dli_fname) return;
  std::string folder = here.dli_fname;
  folder.resize(folder.find_last_of('/') + 1);
  dlopen((folder + "libtorch_cuda.so").c_str(), RTLD_NOW | RTLD_GLOBAL);
}

const char *ct_last_error(void) { return error_text.c_str(); }
const char *ct_version(void) { return TORCH_VERSION; }

void ct_release(ct_tensor tensor) {
  --live;
  delete reinterpret_cast<at::Tensor *>(tensor);
}

int32_t ct_rank(ct_tensor tensor) { return static_cast<int32_t>(tensor_of(tensor).dim()); }

void ct_sizes(ct_tensor tensor, int64_t *sizes) {
  for (int64_t size : tensor_of(tensor).sizes()) *sizes++ = size;
}

int32_t ct_element_type(ct_tensor tensor) { return static_cast<int32_t>(tensor_of(tensor).scalar_type()); }
int32_t ct_cuda_index(ct_tensor tensor) {
  const auto device = tensor_of(tensor).device();
  return device.is_cuda() ? device.index() : -1;
}

ct_tensor ct_from_bytes(const void *bytes, const int64_t *sizes, int32_t rank, int32_t dtype, const char *device) {
  return guarded<ct_tensor>(nullptr, [&] {
    const auto view = at::from_blob(const_cast<void *>(bytes), at::IntArrayRef(sizes, rank),
                                    at::TensorOptions(static_cast<at::ScalarType>(dtype)));
    const at::Device target(device);
    return own(target.is_cpu() ? view.clone() : view.to(target));
  });
}

bool ct_copy_bytes(ct_tensor tensor, int32_t dtype, void *bytes, int64_t capacity) {
  return guarded(false, [&] {
    const auto source = tensor_of(tensor).detach();
    auto target = at::from_blob(bytes, source.sizes(), at::TensorOptions(static_cast<at::ScalarType>(dtype)));
    TORCH_CHECK(static_cast<int64_t>(target.nbytes()) == capacity, "the tensor has ", target.nbytes(), " bytes, not ", capacity);
    target.copy_(source);
    return true;
  });
}

bool ct_assign(ct_tensor tensor, const void *bytes, int64_t count) {
  return guarded(false, [&] {
    auto target = tensor_of(tensor).detach();
    TORCH_CHECK(static_cast<int64_t>(target.nbytes()) == count, "the tensor has ", target.nbytes(), " bytes, not ", count);
    target.copy_(at::from_blob(const_cast<void *>(bytes), target.sizes(), at::TensorOptions(target.scalar_type())));
    return true;
  });
}

ct_tensor ct_full(const int64_t *sizes, int32_t rank, double value, int32_t dtype, const char *device) {
  return guarded<ct_tensor>(nullptr, [&] {
    return own(at::full(at::IntArrayRef(sizes, rank), value,
                        at::TensorOptions(static_cast<at::ScalarType>(dtype)).device(at::Device(device))));
  });
}

ct_tensor ct_to(ct_tensor tensor, int32_t dtype, const char *device, bool channels_last) {
  return guarded<ct_tensor>(nullptr, [&] {
    auto result = tensor_of(tensor);
    if (device) result = result.to(at::Device(device));
    if (dtype >= 0) result = result.to(static_cast<at::ScalarType>(dtype));
    if (channels_last && result.dim() == 4) result = result.contiguous(at::MemoryFormat::ChannelsLast);
    if (channels_last && result.dim() == 5) result = result.contiguous(at::MemoryFormat::ChannelsLast3d);
    return own(result);
  });
}

c10::IValue value_of(const ct_value &value) {
  switch (value.kind) {
    case CT_NONE: return {};
    case CT_TENSOR: return tensor_of(static_cast<ct_tensor>(const_cast<void *>(value.list)));
    case CT_INT: return value.integer;
    case CT_DOUBLE: return value.real;
    case CT_BOOL: return value.integer != 0;
    case CT_STRING: return std::string(static_cast<const char *>(value.list), value.count);
    case CT_INTS: {
      const auto *items = static_cast<const int64_t *>(value.list);
      return std::vector<int64_t>(items, items + value.count);
    }
    case CT_BOOLS: {
      const auto *items = static_cast<const int64_t *>(value.list);
      c10::List<bool> list;
      for (int64_t i = 0; i < value.count; ++i) list.push_back(items[i] != 0);
      return list;
    }
    case CT_TENSORS: {
      const auto *items = static_cast<const ct_tensor *>(value.list);
      c10::List<at::Tensor> list;
      list.reserve(value.count);
      for (int64_t i = 0; i < value.count; ++i) list.push_back(tensor_of(items[i]));
      return list;
    }
  }
  TORCH_CHECK(false, "an argument of unknown kind ", static_cast<int>(value.kind));
}

bool ct_call(const char *op, const char *overload, const ct_value *arguments, int32_t count, ct_tensor *results,
             int32_t capacity, int32_t *result_count) {
  return guarded(false, [&] {
    const auto handle = c10::Dispatcher::singleton().findSchemaOrThrow(op, overload);
    const auto &parameters = handle.schema().arguments();
    TORCH_CHECK(static_cast<size_t>(count) <= parameters.size(), op, " takes ", parameters.size(), " arguments, not ", count);
    c10::Stack stack;
    stack.reserve(parameters.size());
    for (int32_t i = 0; i < count; ++i) stack.push_back(value_of(arguments[i]));
    for (size_t i = count; i < parameters.size(); ++i) {
      TORCH_CHECK(parameters[i].default_value() || parameters[i].type()->kind() == c10::TypeKind::OptionalType, op,
                  " needs its argument ", parameters[i].name());
      stack.push_back(parameters[i].default_value().value_or(c10::IValue()));
    }
    handle.callBoxed(stack);
    *result_count = 0;
    const auto give = [&](const at::Tensor &tensor) {
      TORCH_CHECK(*result_count < capacity, op, " returns more than ", capacity, " tensors");
      results[(*result_count)++] = own(tensor);
    };
    for (const auto &value : stack) {
      if (value.isTensor()) give(value.toTensor());
      if (value.isTensorList())
        for (const at::Tensor &tensor : value.toTensorVector()) give(tensor);
    }
    return true;
  });
}

bool ct_set_requires_grad(ct_tensor tensor, bool requires_grad) {
  return guarded(false, [&] { tensor_of(tensor).requires_grad_(requires_grad); return true; });
}

bool ct_backward(ct_tensor loss) {
  return guarded(false, [&] { tensor_of(loss).backward(); return true; });
}

ct_tensor ct_grad(ct_tensor tensor) {
  return guarded<ct_tensor>(nullptr, [&] {
    const auto &grad = tensor_of(tensor).grad();
    TORCH_CHECK(grad.defined(), "the tensor has no gradient: call backward() first");
    return own(grad);
  });
}

bool ct_has_grad(ct_tensor tensor) { return tensor_of(tensor).grad().defined(); }

bool ct_set_grad(ct_tensor tensor, ct_tensor gradient) {
  return guarded(false, [&] {
    TORCH_CHECK(tensor_of(tensor).sizes() == tensor_of(gradient).sizes(), "a gradient of ", tensor_of(gradient).sizes(),
                " does not fit a tensor of ", tensor_of(tensor).sizes());
    tensor_of(tensor).mutable_grad() = tensor_of(gradient);
    return true;
  });
}

void ct_clear_grad(ct_tensor tensor) { tensor_of(tensor).mutable_grad().reset(); }

bool ct_set_grad_enabled(bool enabled) {
  const bool before = c10::GradMode::is_enabled();
  c10::GradMode::set_enabled(enabled);
  return before;
}

bool ct_set_autocast(const char *device, bool enabled, int32_t dtype) {
  return guarded(false, [&] {
    const auto type = at::Device(device).type();
    at::autocast::set_autocast_enabled(type, enabled);
    if (enabled) at::autocast::set_autocast_dtype(type, static_cast<at::ScalarType>(dtype));
    return true;
  });
}

void ct_clear_autocast_cache(void) { at::autocast::clear_cache(); }

int32_t ct_threads(void) { return at::get_num_threads(); }
bool ct_set_threads(int32_t count) {
  return guarded(false, [&] { at::set_num_threads(count); return true; });
}

bool ct_seed(uint64_t seed) {
  return guarded(false, [&] { at::manual_seed(seed); return true; });
}

int32_t ct_cuda_device_count(void) {
  return guarded<int32_t>(0, [] { return static_cast<int32_t>(at::hasCUDA() ? at::detail::getCUDAHooks().deviceCount() : 0); });
}

bool ct_synchronize(const char *device) {
  return guarded(false, [&] {
    const at::Device target(device);
    if (target.is_cuda()) at::detail::getCUDAHooks().deviceSynchronize(target.has_index() ? target.index() : 0);
    return true;
  });
}

int64_t ct_live_tensors(void) { return live.load(); }

}  // namespace

#define CT_ADDRESS(result, name, parameters) &ct_##name,
extern "C" __attribute__((visibility("default"))) const ct_api_t *ct_api(const char *signature) {
  static const ct_api_t api = {CT_FUNCTIONS(CT_ADDRESS)};
  if (std::string(signature) != CT_SIGNATURE) return nullptr;
  load_cuda();
  return &api;
}
