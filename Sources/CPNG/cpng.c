#include "CPNG.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const uint8_t *bytes;
  size_t left;
} source;

static void read_bytes(png_structp png, png_bytep target, png_size_t count) {
  source *from = png_get_io_ptr(png);
  if (count > from->left) png_error(png, "the file ends too early");
  memcpy(target, from->bytes, count);
  from->bytes += count;
  from->left -= count;
}

static void on_error(png_structp png, png_const_charp text) {
  cpng_image *image = png_get_error_ptr(png);
  if (image) strncpy(image->error, text, sizeof image->error - 1);
  png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

int32_t cpng_read(const uint8_t *bytes, size_t count, cpng_image *image) {
  memset(image, 0, sizeof *image);
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, image, on_error, on_warning);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  png_bytep *volatile rows = NULL;
  if (!info || setjmp(png_jmpbuf(png))) {
    png_destroy_read_struct(&png, &info, NULL);
    free(rows);
    free(image->pixels);
    image->pixels = NULL;
    return 0;
  }
  source from = {bytes, count};
  png_set_read_fn(png, &from, read_bytes);
  png_read_info(png, info);
  png_set_expand(png);
  png_set_swap(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  image->width = png_get_image_width(png, info);
  image->height = png_get_image_height(png, info);
  image->channels = png_get_channels(png, info);
  image->depth = png_get_bit_depth(png, info);
  const size_t stride = png_get_rowbytes(png, info);
  if ((uint64_t)stride * image->height > ((uint64_t)1 << 34)) png_error(png, "the image is too large");
  image->pixels = malloc(stride * image->height);
  rows = malloc(sizeof(png_bytep) * image->height);
  if (!image->pixels || !rows) png_error(png, "memory ran out");
  for (uint32_t y = 0; y < image->height; ++y) rows[y] = image->pixels + y * stride;
  png_read_image(png, rows);
  png_destroy_read_struct(&png, &info, NULL);
  free(rows);
  return 1;
}

int32_t cpng_write(const uint8_t *pixels, uint32_t width, uint32_t height, int32_t channels, uint8_t **bytes, size_t *count) {
  png_image image;
  memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  image.width = width;
  image.height = height;
  image.format = channels == 1 ? PNG_FORMAT_GRAY : channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_RGBA;
  png_alloc_size_t size = 0;
  if (!png_image_write_to_memory(&image, NULL, &size, 0, pixels, 0, NULL)) return 0;
  *bytes = malloc(size);
  if (!*bytes || !png_image_write_to_memory(&image, *bytes, &size, 0, pixels, 0, NULL)) {
    free(*bytes);
    return 0;
  }
  *count = size;
  return 1;
}

typedef struct {
  uint8_t *bytes;
  size_t count, capacity;
} sink;

static void write_bytes(png_structp png, png_bytep source, png_size_t count) {
  sink *to = png_get_io_ptr(png);
  if (to->count + count > to->capacity) {
    const size_t capacity = 2 * (to->count + count);
    uint8_t *grown = realloc(to->bytes, capacity);
    if (!grown) png_error(png, "memory ran out");
    to->bytes = grown;
    to->capacity = capacity;
  }
  memcpy(to->bytes + to->count, source, count);
  to->count += count;
}

static void flush_bytes(png_structp png) { (void)png; }

int32_t cpng_write_grey16(const uint16_t *pixels, uint32_t width, uint32_t height, uint8_t **bytes, size_t *count) {
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, on_error, on_warning);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  sink *volatile to = calloc(1, sizeof(sink));
  if (!info || !to || setjmp(png_jmpbuf(png))) {
    png_destroy_write_struct(&png, &info);
    if (to) free(to->bytes);
    free(to);
    return 0;
  }
  png_set_write_fn(png, to, write_bytes, flush_bytes);
  png_set_IHDR(png, info, width, height, 16, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  png_set_swap(png);
  for (uint32_t y = 0; y < height; ++y) png_write_row(png, (png_const_bytep)(pixels + (size_t)y * width));
  png_write_end(png, NULL);
  png_destroy_write_struct(&png, &info);
  *bytes = to->bytes;
  *count = to->count;
  free(to);
  return 1;
}
