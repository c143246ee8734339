#include <blosc2.h>
#include <b2nd.h>
