/* Kills the process at the moment that KILL_AT names, in C and in Python: both call these functions of the C library. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define LINE "\"source\":\"state\""
#define HEAD "{\"source\":\"run\""

static int IsAsked(const char *moment)
{
  const char *asked = getenv("KILL_AT");

  return asked && !strcmp(asked, moment);
}

static void Reach(const char *moment)
{
  if (IsAsked(moment)) raise(SIGKILL);
}

static int Ends(const char *text, const char *tail)
{
  const size_t n = strlen(text), m = strlen(tail);

  return n >= m && !strcmp(text + n - m, tail);
}

static int Tells(const void *data, size_t n)
{
  return memmem(data, n, LINE, strlen(LINE)) && !memmem(data, n, HEAD, strlen(HEAD));
}

int rename(const char *from, const char *to)
{
  int (*real)(const char *, const char *) = (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");
  const int ours                          = Ends(to, ".state");
  int       code;

  if (ours) Reach("before the state");
  code = real(from, to);
  if (ours) Reach("after the state");
  return code;
}

ssize_t writev(int fd, const struct iovec *part, int parts)
{
  ssize_t (*real)(int, const struct iovec *, int) = (ssize_t(*)(int, const struct iovec *, int))dlsym(RTLD_NEXT, "writev");
  const int ours                                  = parts == 1 && Tells(part->iov_base, part->iov_len);
  ssize_t   n;

  if (ours) Reach("before the line");
  n = real(fd, part, parts);
  if (ours) Reach("after the line");
  return n;
}

ssize_t write(int fd, const void *data, size_t n)
{
  ssize_t (*real)(int, const void *, size_t) = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
  const int copies                           = n > strlen(HEAD) && !memcmp(data, HEAD, strlen(HEAD));
  const int ours                             = Tells(data, n);
  ssize_t   written;

  if (copies && IsAsked("in the copy")) {
    (void)!real(fd, data, n / 2);
    raise(SIGKILL);
  }
  if (ours) Reach("before the line");
  written = real(fd, data, n);
  if (ours) Reach("after the line");
  return written;
}

/* Of the folder in which a journal lies meanwhile. */
int unlinkat(int folder, const char *name, int flags)
{
  int (*real)(int, const char *, int) = (int (*)(int, const char *, int))dlsym(RTLD_NEXT, "unlinkat");
  const int ours                      = !strncmp(name, "run.json", strlen("run.json"));
  int       code;

  if (ours) Reach("before the folder goes");
  code = real(folder, name, flags);
  if (ours) Reach("while the folder goes");
  return code;
}
