// The C interface to the libtorch calls that Cohort needs.
//
// Three conventions: a tensor that comes back is owned by the caller, an argument is borrowed; `false` or NULL is failure
// and `last_error()` says why, on the same thread; no C++ exception leaves. Grad mode, autocast and the last error belong
// to a thread.
//
// The functions live in libCTorch.so, which is opened on first use (`ct_load`), so that a program which needs no tensor
// runs without libtorch. One line per function below is all there is to keep in step: the table, its check, the shim.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#ifndef __clang__
#define _Nonnull
#define _Nullable
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ct_tensor_s *ct_tensor;

typedef enum { CT_NONE, CT_TENSOR, CT_INT, CT_DOUBLE, CT_BOOL, CT_INTS, CT_TENSORS, CT_BOOLS, CT_STRING } ct_kind;

// One argument of an operator. Lists are borrowed: `count` entries at `list` (int64_t, ct_tensor; booleans as int64_t).
typedef struct {
  ct_kind kind;
  int64_t integer;
  double real;
  const void *_Nullable list;
  int64_t count;
} ct_value;

// Type of an element, by PyTorch's own numbers (c10::ScalarType).
typedef enum {
  CT_UINT8 = 0, CT_INT8 = 1, CT_INT16 = 2, CT_INT32 = 3, CT_INT64 = 4, CT_FLOAT16 = 5, CT_FLOAT32 = 6, CT_FLOAT64 = 7,
  CT_BOOL8 = 11, CT_BFLOAT16 = 15
} ct_dtype;

// X(result, name, parameters)
#define CT_FUNCTIONS(X) \
  X(const char *_Nonnull, last_error, (void)) \
  X(const char *_Nonnull, version, (void)) \
  X(void, release, (ct_tensor _Nonnull tensor)) \
  X(int32_t, rank, (ct_tensor _Nonnull tensor)) \
  X(void, sizes, (ct_tensor _Nonnull tensor, int64_t *_Nonnull sizes)) \
  X(int32_t, element_type, (ct_tensor _Nonnull tensor)) \
  X(int32_t, cuda_index, (ct_tensor _Nonnull tensor)) \
  X(ct_tensor _Nullable, from_bytes, (const void *_Nonnull bytes, const int64_t *_Nonnull sizes, int32_t rank, int32_t dtype, const char *_Nonnull device)) \
  X(bool, copy_bytes, (ct_tensor _Nonnull tensor, int32_t dtype, void *_Nonnull bytes, int64_t capacity)) \
  X(bool, assign, (ct_tensor _Nonnull tensor, const void *_Nonnull bytes, int64_t count)) \
  X(ct_tensor _Nullable, full, (const int64_t *_Nonnull sizes, int32_t rank, double value, int32_t dtype, const char *_Nonnull device)) \
  X(ct_tensor _Nullable, to, (ct_tensor _Nonnull tensor, int32_t dtype, const char *_Nullable device, bool channels_last)) \
  X(bool, call, (const char *_Nonnull op, const char *_Nonnull overload, const ct_value *_Nonnull arguments, int32_t count, ct_tensor _Nullable *_Nonnull results, int32_t capacity, int32_t *_Nonnull result_count)) \
  X(bool, set_requires_grad, (ct_tensor _Nonnull tensor, bool requires_grad)) \
  X(bool, backward, (ct_tensor _Nonnull loss)) \
  X(ct_tensor _Nullable, grad, (ct_tensor _Nonnull tensor)) \
  X(bool, has_grad, (ct_tensor _Nonnull tensor)) \
  X(bool, set_grad, (ct_tensor _Nonnull tensor, ct_tensor _Nonnull gradient)) \
  X(void, clear_grad, (ct_tensor _Nonnull tensor)) \
  X(bool, set_grad_enabled, (bool enabled)) \
  X(bool, set_autocast, (const char *_Nonnull device, bool enabled, int32_t dtype)) \
  X(void, clear_autocast_cache, (void)) \
  X(int32_t, threads, (void)) \
  X(bool, set_threads, (int32_t count)) \
  X(bool, seed, (uint64_t seed)) \
  X(int32_t, cuda_device_count, (void)) \
  X(bool, synchronize, (const char *_Nonnull device)) \
  X(int64_t, live_tensors, (void))

#define CT_FIELD(result, name, parameters) result (*_Nonnull name) parameters;
typedef struct {
  CT_FUNCTIONS(CT_FIELD)
} ct_api_t;

// The whole interface as one string: the shared object refuses a caller that was built from another header.
#define CT_TEXT(result, name, parameters) #result " " #name #parameters ";"
#define CT_SIGNATURE CT_FUNCTIONS(CT_TEXT)

// What libCTorch.so exports: its table, or NULL where `signature` is not its own.
const ct_api_t *_Nullable ct_api(const char *_Nonnull signature);

// Opens libCTorch.so beside the program (or at COHORT_CTORCH) and returns its table, or NULL with the reason.
const ct_api_t *_Nullable ct_load(const char *_Nullable *_Nonnull error);

#ifdef __cplusplus
}
#endif
