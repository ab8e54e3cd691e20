#include "data/checksum.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

static int read_some(gzFile zipped, FILE *file, unsigned char *buffer, unsigned size) {
  if (zipped != NULL) return gzread(zipped, buffer, size);
  size_t got = fread(buffer, 1, size, file);
  return ferror(file) ? -1 : (int)got;
}

/* A gzip file that ends early reads as if it were whole; only gzerror tells. */
static bool ended_well(gzFile zipped) {
  int number = Z_OK;
  if (zipped != NULL) gzerror(zipped, &number);
  return number == Z_OK;
}

static bool digest_stream(gzFile zipped, FILE *file, const EVP_MD *kind, unsigned char *digest) {
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  unsigned char buffer[1 << 14];
  int got = 0;
  bool good = context != NULL && EVP_DigestInit_ex(context, kind, NULL) == 1;
  while (good && (got = read_some(zipped, file, buffer, sizeof buffer)) > 0)
    good = EVP_DigestUpdate(context, buffer, (size_t)got) == 1;
  good = good && got == 0 && ended_well(zipped) && EVP_DigestFinal_ex(context, digest, NULL) == 1;
  EVP_MD_CTX_free(context);
  return good;
}

hg_code hg_checksum_of(const char *path, hg_checksum kind, char out[65], hg_error *error) {
  bool content = kind == HG_CHECK_SHA256_OF_CONTENT;
  gzFile zipped = content ? gzopen(path, "rbe") : NULL;
  FILE *file = content ? NULL : fopen(path, "rbe");
  out[0] = '\0';
  if (zipped == NULL && file == NULL) return hg_fail_errno(error, HG_DATA, path, "open");
  unsigned char digest[EVP_MAX_MD_SIZE];
  bool good = digest_stream(zipped, file, content ? EVP_sha256() : EVP_md5(), digest);
  if (zipped != NULL) gzclose(zipped);
  if (file != NULL) fclose(file);
  if (!good) return hg_fail(error, HG_DATA, path, "is damaged: it cannot be read to its end");
  for (int i = 0; i < (content ? 32 : 16); i++) snprintf(out + 2 * i, 3, "%02x", digest[i]);
  return HG_OK;
}

hg_code hg_checksum_verify(const char *path, const hg_catalog_file *file, hg_error *error) {
  char digest[65];
  hg_code code = hg_checksum_of(path, file->checksum, digest, error);
  if (code != HG_OK || strcmp(digest, file->digest) == 0) return code;
  return hg_fail(error, HG_DATA, path, "has the %s %.16s..., %.16s... is expected",
                 file->checksum == HG_CHECK_MD5_OF_FILE ? "MD5" : "content SHA-256", digest, file->digest);
}
