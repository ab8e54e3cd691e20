#include "base/alloc.h"
#include "report/page.h"

#include <png.h>

void hg_text_png(hg_text *text, const uint8_t *pixels, hg_shape shape) {
  png_image image = {.version = PNG_IMAGE_VERSION,
                     .width = (png_uint_32)shape.width,
                     .height = (png_uint_32)shape.height,
                     .format = shape.channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY};
  if (shape.channels != 1 && shape.channels != 3) return;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  char *bytes = hg_malloc(size);
  if (bytes == NULL)
    text->failed = true;
  else if (png_image_write_to_memory(&image, bytes, &size, 0, pixels, 0, NULL)) {
    hg_text_put(text, "data:image/png;base64,");
    hg_text_base64(text, bytes, size);
  }
  png_image_free(&image);
  hg_free(bytes);
}
