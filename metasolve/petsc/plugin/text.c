/* text.c - growing text, JSON values, numbers as text, one-write appends, SHA-256 (FIPS 180-4). */
#include "metasolve.h"
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- numbers with a point in them, whatever the program's locale writes: another locale for this thread, and back ---- */
static locale_t Plainly(void)
{
  static locale_t plain = (locale_t)0;

  if (!plain) plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  return plain ? uselocale(plain) : (locale_t)0;
}

static void AsBefore(locale_t before)
{
  if (before) uselocale(before);
}

double TextToNumber(const char *text, char **end)
{
  locale_t     before = Plainly();
  const double x      = strtod(text, end);

  AsBefore(before);
  return x;
}

void TextPrint(char *text, size_t room, const char *format, ...)
{
  locale_t before = Plainly();
  va_list  args;

  va_start(args, format);
  vsnprintf(text, room, format, args);
  va_end(args);
  AsBefore(before);
}

void TextPlain(char *text)
{
  for (; *text; text++)
    if (*text < ' ' || *text > '~') *text = '?';
}

static PetscBool TextReserve(Text *t, size_t more)
{
  char  *data;
  size_t room = t->room ? t->room : 1024;

  while (room < t->used + more + 1) room *= 2;
  if (room == t->room) return PETSC_TRUE;
  if (!(data = realloc(t->data, room))) return PETSC_FALSE;
  t->data = data;
  t->room = room;
  return PETSC_TRUE;
}

void TextAdd(Text *t, const char *format, ...)
{
  locale_t before = Plainly();
  va_list  args;
  int      n;

  va_start(args, format);
  n = vsnprintf(NULL, 0, format, args);
  va_end(args);
  if (n >= 0 && TextReserve(t, (size_t)n)) {
    va_start(args, format);
    vsnprintf(t->data + t->used, (size_t)n + 1, format, args);
    va_end(args);
    t->used += (size_t)n;
  }
  AsBefore(before);
}

void TextString(Text *t, const char *s)
{
  TextAdd(t, "\"");
  for (; *s; s++) {
    if (*s == '"' || *s == '\\') TextAdd(t, "\\%c", *s);
    else if ((unsigned char)*s < 0x20) TextAdd(t, "\\u%04x", (unsigned char)*s);
    else TextAdd(t, "%c", *s);
  }
  TextAdd(t, "\"");
}

void TextNumber(Text *t, double x)
{
  if (isfinite(x)) TextAdd(t, "%.17g", x);
  else TextAdd(t, "null");
}

void TextFree(Text *t)
{
  free(t->data);
  memset(t, 0, sizeof *t);
}

PetscErrorCode AppendLine(const char *path, const Text *t, int *error)
{
  int     fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  off_t   before;
  ssize_t n;

  *error = fd < 0 ? errno : 0;
  if (fd < 0) return PETSC_SUCCESS;
  before = lseek(fd, 0, SEEK_END);
  errno  = 0;
  n      = write(fd, t->data, t->used);
  if (n != (ssize_t)t->used) *error = errno ? errno : ENOSPC;
  if (*error && n > 0 && ftruncate(fd, before)) *error = errno; /* no torn line in the middle of a file */
  if (close(fd) && !*error) *error = errno;
  return PETSC_SUCCESS;
}

/* ---- SHA-256 ---- */
static const uint32_t K[64] = {
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};
#define ROTR(x, n) ((x) >> (n) | (x) << (32 - (n)))

static void Sha256Block(uint32_t h[8], const unsigned char *p)
{
  uint32_t w[64], s[8];

  for (int i = 0; i < 16; i++)
    w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 | (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
  for (int i = 16; i < 64; i++) {
    uint32_t a = w[i - 15], b = w[i - 2];
    w[i] = w[i - 16] + (ROTR(a, 7) ^ ROTR(a, 18) ^ a >> 3) + w[i - 7] + (ROTR(b, 17) ^ ROTR(b, 19) ^ b >> 10);
  }
  memcpy(s, h, sizeof s);
  for (int i = 0; i < 64; i++) {
    uint32_t t1 = s[7] + (ROTR(s[4], 6) ^ ROTR(s[4], 11) ^ ROTR(s[4], 25)) + ((s[4] & s[5]) ^ (~s[4] & s[6])) + K[i] + w[i];
    uint32_t t2 = (ROTR(s[0], 2) ^ ROTR(s[0], 13) ^ ROTR(s[0], 22)) + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
    memmove(s + 1, s, 7 * sizeof *s);
    s[4] += t1;
    s[0] = t1 + t2;
  }
  for (int i = 0; i < 8; i++) h[i] += s[i];
}

void Sha256(const void *data, size_t bytes, char hex[65])
{
  uint32_t      h[8]     = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  unsigned char last[128] = {0};
  size_t        whole = bytes / 64 * 64, rest = bytes - whole, padded = rest < 56 ? 64 : 128;

  for (size_t i = 0; i < whole; i += 64) Sha256Block(h, (const unsigned char *)data + i);
  memcpy(last, (const unsigned char *)data + whole, rest);
  last[rest] = 0x80;
  for (int i = 0; i < 8; i++) last[padded - 1 - i] = (unsigned char)((uint64_t)bytes * 8 >> 8 * i);
  for (size_t i = 0; i < padded; i += 64) Sha256Block(h, last + i);
  for (int i = 0; i < 8; i++) snprintf(hex + 8 * i, 9, "%08x", h[i]);
}
