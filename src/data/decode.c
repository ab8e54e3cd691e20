#include "data/decode.h"

#include "base/alloc.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

static bool is_png(const uint8_t *bytes, size_t count) { return count >= 8 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0; }
static bool is_jpeg(const uint8_t *bytes, size_t count) { return count >= 3 && memcmp(bytes, "\xff\xd8\xff", 3) == 0; }

/* Takes memory for the image whose height and width are set. */
static hg_code take_pixels(const char *place, hg_image *image, hg_error *error) {
  if (image->height < 1 || image->width < 1 || (int64_t)image->height * image->width > HG_MOST_IMAGE_PIXELS)
    return hg_fail(error, HG_DATA, place, "an image of %d x %d pixels is not read; the most is %d pixels", image->height,
                   image->width, HG_MOST_IMAGE_PIXELS);
  size_t bytes = (size_t)image->height * (size_t)image->width * 3;
  image->pixels = hg_calloc(bytes, 1);
  return image->pixels == NULL ? hg_fail_memory(error, place, bytes) : HG_OK;
}

static hg_code decode_png(const uint8_t *bytes, size_t count, const char *place, hg_image *image, hg_error *error) {
  png_image png;
  memset(&png, 0, sizeof png);
  png.version = PNG_IMAGE_VERSION;
  if (!png_image_begin_read_from_memory(&png, bytes, count))
    return hg_fail(error, HG_DATA, place, "damaged PNG: %s", png.message);
  image->colour = (png.format & PNG_FORMAT_FLAG_COLOR) != 0;
  png.format = PNG_FORMAT_RGB;
  png.flags |= PNG_IMAGE_FLAG_16BIT_sRGB; /* else libpng takes 16 bits without a gamma for linear light, and brightens them */
  bool fits = png.height <= HG_MOST_IMAGE_PIXELS && png.width <= HG_MOST_IMAGE_PIXELS;
  image->height = fits ? (int)png.height : HG_MOST_IMAGE_PIXELS;
  image->width = fits ? (int)png.width : HG_MOST_IMAGE_PIXELS;
  hg_code code = take_pixels(place, image, error);
  png_color black = {0, 0, 0};
  if (code == HG_OK && !png_image_finish_read(&png, &black, image->pixels, 0, NULL))
    code = hg_fail(error, HG_DATA, place, "damaged PNG: %s", png.message);
  png_image_free(&png);
  return code;
}

typedef struct jpeg_reader {
  struct jpeg_decompress_struct info;
  struct jpeg_error_mgr manager;
  jmp_buf escape;
  char message[JMSG_LENGTH_MAX];
} jpeg_reader;

static void leave(j_common_ptr info) {
  jpeg_reader *reader = info->client_data;
  reader->manager.format_message(info, reader->message);
  longjmp(reader->escape, 1);
}

/* libjpeg goes on after warnings and fills what it could not read with grey: damaged, except for stray bytes between
 * markers, which many cameras leave. */
static void take_message(j_common_ptr info, int level) {
  if (level < 0 && info->err->msg_code != JWRN_EXTRANEOUS_DATA) leave(info);
}

static void say_nothing(j_common_ptr info) { (void)info; }

static hg_code read_jpeg(jpeg_reader *reader, const char *place, hg_image *image, hg_error *error) {
  struct jpeg_decompress_struct *info = &reader->info;
  jpeg_read_header(info, TRUE);
  if (info->jpeg_color_space == JCS_CMYK || info->jpeg_color_space == JCS_YCCK)
    return hg_fail(error, HG_DATA, place, "is a CMYK JPEG; convert it to RGB");
  image->colour = info->num_components > 1;
  image->height = (int)info->image_height;
  image->width = (int)info->image_width;
  hg_code code = take_pixels(place, image, error);
  if (code != HG_OK) return code;
  info->out_color_space = JCS_RGB;
  info->dct_method = JDCT_ISLOW; /* the accurate one: the same pixels from every build of the library */
  jpeg_start_decompress(info);
  while (info->output_scanline < info->output_height) {
    JSAMPROW row = image->pixels + (size_t)info->output_scanline * (size_t)image->width * 3;
    jpeg_read_scanlines(info, &row, 1);
  }
  jpeg_finish_decompress(info);
  return HG_OK;
}

static hg_code decode_jpeg(const uint8_t *bytes, size_t count, const char *place, hg_image *image, hg_error *error) {
  jpeg_reader *reader = hg_calloc(1, sizeof *reader);
  if (reader == NULL) return hg_fail_memory(error, place, sizeof *reader);
  reader->info.err = jpeg_std_error(&reader->manager);
  reader->manager.error_exit = leave;
  reader->manager.emit_message = take_message;
  reader->manager.output_message = say_nothing;
  hg_code code;
  if (setjmp(reader->escape) == 0) {
    jpeg_create_decompress(&reader->info);
    reader->info.client_data = reader;
    jpeg_mem_src(&reader->info, bytes, count);
    code = read_jpeg(reader, place, image, error);
  } else {
    code = hg_fail(error, HG_DATA, place, "damaged JPEG: %s", reader->message);
  }
  jpeg_destroy_decompress(&reader->info);
  hg_free(reader);
  return code;
}

hg_code hg_image_decode(const uint8_t *bytes, size_t count, const char *place, hg_image *image, hg_error *error) {
  memset(image, 0, sizeof *image);
  hg_code code;
  if (is_png(bytes, count))
    code = decode_png(bytes, count, place, image, error);
  else if (is_jpeg(bytes, count))
    code = decode_jpeg(bytes, count, place, image, error);
  else
    code = hg_fail(error, HG_DATA, place, "is neither a PNG nor a JPEG image, in spite of its name");
  if (code != HG_OK) {
    hg_free(image->pixels);
    image->pixels = NULL;
  }
  return code;
}
