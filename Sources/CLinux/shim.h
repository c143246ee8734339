// What the modules of Glibc and Musl do not show.

// Both have it; their headers show it to GNU programs only, of which Swift's importer makes none.
int syncfs(int fd);

#include <features.h>

#ifdef __GLIBC__
int mallopt(int parameter, int value);
#define COHORT_M_ARENA_MAX (-8)
#endif
