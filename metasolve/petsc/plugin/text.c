/* text.c - growing text, JSON values, numbers as text, one-write appends. */
#include "metasolve.h"
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
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

/* Numbers are written as the thread's locale has them: whoever writes lines has entered a guard (guard.h). */
void TextAdd(Text *t, const char *format, ...)
{
  va_list args;
  int     n = 0;

  for (int again = 0; again < 2; again++) { /* once more where there was too little room */
    if (!TextReserve(t, PetscMax((size_t)n, 64))) return;
    va_start(args, format);
    n = vsnprintf(t->data + t->used, t->room - t->used, format, args);
    va_end(args);
    if (n < 0) return;
    if ((size_t)n < t->room - t->used) break;
  }
  t->used += (size_t)n;
}

static void TextBytes(Text *t, const char *s, size_t n)
{
  if (!n || !TextReserve(t, n)) return;
  memcpy(t->data + t->used, s, n);
  t->used += n;
  t->data[t->used] = 0;
}

void TextPut(Text *t, const char *s)
{
  TextBytes(t, s, strlen(s));
}

void TextString(Text *t, const char *s)
{
  TextBytes(t, "\"", 1);
  for (const char *plain = s;; s++) {
    if ((unsigned char)*s >= 0x20 && *s != '"' && *s != '\\') continue;
    TextBytes(t, plain, (size_t)(s - plain));
    plain = s + 1;
    if (!*s) break;
    if (*s == '"' || *s == '\\') TextAdd(t, "\\%c", *s);
    else TextAdd(t, "\\u%04x", (unsigned char)*s);
  }
  TextBytes(t, "\"", 1);
}

void TextNumber(Text *t, double x)
{
  if (isfinite(x)) TextAdd(t, "%.17g", x);
  else TextAdd(t, "null");
}

/* Faster than snprintf() by an order: there are a score of them in each line of a journal. */
void TextDecimal(Text *t, double x)
{
  char          digits[32], *end = digits + sizeof digits, *c = end;
  const int64_t n        = isless(fabs(x), TEXT_DECIMAL) ? (int64_t)llround(x * 1e9) : 0;
  uint64_t      rest     = (uint64_t)(n < 0 ? -n : n);
  int           decimals = 9;

  if (!isless(fabs(x), TEXT_DECIMAL)) return TextNumber(t, x);
  for (; decimals && rest % 10 == 0; decimals--) rest /= 10;
  for (; decimals; decimals--, rest /= 10) *--c = (char)('0' + rest % 10);
  if (c != end) *--c = '.';
  do *--c = (char)('0' + rest % 10);
  while (rest /= 10);
  if (n < 0) *--c = '-';
  TextBytes(t, c, (size_t)(end - c));
}

double TextRounded(double x)
{
  return isless(fabs(x), TEXT_DECIMAL) ? (double)llround(x * 1e9) / 1e9 : x;
}

void TextRun(char run[TEXT_RUN])
{
  struct timespec now;

  clock_gettime(CLOCK_REALTIME, &now);
  snprintf(run, TEXT_RUN, "%08lx%05lx%04lx", (unsigned long)now.tv_sec, (unsigned long)now.tv_nsec >> 10 & 0xfffff,
           (unsigned long)getpid() & 0xffff);
}

void TextTime(Text *t)
{
  struct timespec now;

  clock_gettime(CLOCK_REALTIME, &now);
  TextAdd(t, "%lld.%06ld", (long long)now.tv_sec, now.tv_nsec / 1000);
}

void TextFree(Text *t)
{
  free(t->data);
  memset(t, 0, sizeof *t);
}

/* ---- files that grow too large: what the host does about SIGXFSZ stays, and one that it waits for is left to it ---- */
static sigset_t Only(int signal)
{
  sigset_t only;

  sigemptyset(&only);
  sigaddset(&only, signal);
  return only;
}

void SizeLimitLift(SizeLimit *before)
{
  const sigset_t only = Only(SIGXFSZ);
  sigset_t       pending;

  before->pending = !sigpending(&pending) && sigismember(&pending, SIGXFSZ);
  (void)pthread_sigmask(SIG_BLOCK, &only, &before->mask);
}

void SizeLimitSettle(const SizeLimit *before)
{
  const struct timespec at_once = {0, 0};
  const sigset_t        only    = Only(SIGXFSZ);

  while (!before->pending && sigtimedwait(&only, NULL, &at_once) < 0 && errno == EINTR) continue;
  (void)pthread_sigmask(SIG_SETMASK, &before->mask, NULL);
}

PetscErrorCode AppendLine(const char *path, const Text *t, int *error)
{
  int       fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  off_t     before;
  ssize_t   n;
  SizeLimit limit;

  *error = fd < 0 ? errno : 0;
  if (fd < 0) return PETSC_SUCCESS;
  before = lseek(fd, 0, SEEK_END);
  errno  = 0;
  SizeLimitLift(&limit);
  n = write(fd, t->data, t->used);
  if (n != (ssize_t)t->used) *error = errno ? errno : ENOSPC;
  SizeLimitSettle(&limit);
  if (*error && n > 0 && ftruncate(fd, before)) *error = errno; /* no torn line in the middle of a file */
  if (close(fd) && !*error) *error = errno;
  return PETSC_SUCCESS;
}

PetscBool TextAmong(const char *names, char between, const char *name)
{
  const size_t n = strlen(name);

  for (const char *at = names; at;) {
    const char *end = strchr(at, between);
    if ((end ? (size_t)(end - at) : strlen(at)) == n && !strncmp(at, name, n)) return PETSC_TRUE;
    at = end ? end + 1 : NULL;
  }
  return PETSC_FALSE;
}
