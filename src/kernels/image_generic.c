#include "kernels/image_body.h"

const hg_image_kernels hg_image_generic = {normals, rotate};
