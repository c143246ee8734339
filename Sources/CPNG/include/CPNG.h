// PNG files through libpng. libpng reports errors by longjmp, which must not cross Swift: these two functions keep it inside.
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct {
  uint32_t width, height;
  int32_t channels;  // 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha
  int32_t depth;     // 8 or 16 bits; 16 in the machine's byte order
  uint8_t *_Nullable pixels;  // row by row, from malloc
  char error[128];
} cpng_image;

// Decodes; palettes become RGB. Returns 0, with a reason in `error`, on failure.
int32_t cpng_read(const uint8_t *_Nonnull bytes, size_t count, cpng_image *_Nonnull image);

// Encodes 8-bit pixels into malloc'ed memory at `*bytes`. Returns 0 on failure.
int32_t cpng_write(const uint8_t *_Nonnull pixels, uint32_t width, uint32_t height, int32_t channels,
                   uint8_t *_Nullable *_Nonnull bytes, size_t *_Nonnull count);

// The same for one channel of 16-bit pixels. libpng's simplified interface would take them for linear light.
int32_t cpng_write_grey16(const uint16_t *_Nonnull pixels, uint32_t width, uint32_t height,
                          uint8_t *_Nullable *_Nonnull bytes, size_t *_Nonnull count);
