#include "CTorchAPI.h"

#include <dlfcn.h>
#include <stdlib.h>

const ct_api_t *ct_load(const char **error) {
  const char *path = getenv("COHORT_CTORCH");
  // A bare name is looked up in the program's own run path, which is the folder of the program.
  void *library = dlopen(path ? path : "libCTorch.so", RTLD_NOW | RTLD_LOCAL);
  __typeof__(&ct_api) table = library ? (__typeof__(&ct_api))dlsym(library, "ct_api") : 0;
  if (!table) {
    *error = dlerror();
    return 0;
  }
  const ct_api_t *api = table(CT_SIGNATURE);
  if (!api) *error = "libCTorch.so was built from another CTorchAPI.h: run `swift build` again";
  return api;
}
