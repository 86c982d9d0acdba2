/* text.c - growing text, JSON values, numbers as text, one-write appends. */
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
