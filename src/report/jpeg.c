/* libjpeg leaves a failed call by longjmp: what must be freed afterwards stands in a struct whose address does not change. */
#include "report/page.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

typedef struct jpeg_writer {
  struct jpeg_compress_struct info;
  struct jpeg_error_mgr manager;
  jmp_buf escape;
  unsigned char *bytes; /* the library's malloc */
  unsigned long count;
} jpeg_writer;

static void leave(j_common_ptr info) { longjmp(((jpeg_writer *)info->client_data)->escape, 1); }
static void say_nothing(j_common_ptr info) { (void)info; }

static void write_jpeg(jpeg_writer *writer, const uint8_t *pixels, hg_shape shape, int quality) {
  struct jpeg_compress_struct *info = &writer->info;
  jpeg_create_compress(info);
  jpeg_mem_dest(info, &writer->bytes, &writer->count);
  info->image_width = (JDIMENSION)shape.width;
  info->image_height = (JDIMENSION)shape.height;
  info->input_components = shape.channels;
  info->in_color_space = shape.channels == 3 ? JCS_RGB : JCS_GRAYSCALE;
  jpeg_set_defaults(info);
  jpeg_set_quality(info, quality, TRUE);
  info->dct_method = JDCT_ISLOW;                                           /* the same bytes from every build of the library */
  info->comp_info[0].h_samp_factor = info->comp_info[0].v_samp_factor = 1; /* small images live from their colours */
  info->optimize_coding = TRUE;
  jpeg_start_compress(info, TRUE);
  while (info->next_scanline < info->image_height) {
    JSAMPROW row = (JSAMPROW)(pixels + (size_t)info->next_scanline * (size_t)shape.width * (size_t)shape.channels);
    jpeg_write_scanlines(info, &row, 1);
  }
  jpeg_finish_compress(info);
}

void hg_text_jpeg(hg_text *text, const uint8_t *pixels, hg_shape shape, int quality) {
  jpeg_writer writer = {0};
  if (shape.channels != 1 && shape.channels != 3) return;
  writer.info.err = jpeg_std_error(&writer.manager);
  writer.info.client_data = &writer;
  writer.manager.error_exit = leave;
  writer.manager.output_message = say_nothing;
  if (setjmp(writer.escape) == 0) {
    write_jpeg(&writer, pixels, shape, quality);
    hg_text_put(text, "data:image/jpeg;base64,");
    hg_text_base64(text, writer.bytes, writer.count);
  } else {
    text->failed = true;
  }
  jpeg_destroy_compress(&writer.info);
  free(writer.bytes);
}
