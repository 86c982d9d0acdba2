/* journal_file.c - whole lines, from many processes, into a file that does not grow for ever. */
#define _GNU_SOURCE
#include "journal.h"
#include "clock.h"
#include "environment.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define MOST ((off_t)256 << 20) /* bytes: of so many lines that nobody reads them all */

/* A program in Python may have told PETSc no name: then its script has it. */
static void ProgramName(char name[], size_t room)
{
  char   words[4096] = "";
  FILE  *file;
  size_t n = 0;

  (void)PetscGetProgramName(name, room);
  if (*name && strcmp(name, "Unknown Name")) return;
  if ((file = fopen("/proc/self/cmdline", "r"))) {
    n = fread(words, 1, sizeof words - 2, file);
    fclose(file);
  }
  const char *script = words + strlen(words) + 1;
  snprintf(name, room, "%s", n && *script && *script != '-' ? script : n ? words : program_invocation_name);
}

static void Head(Journal *j, const char *state, double canary, int ranks)
{
  char        host[256] = "", program[PETSC_MAX_PATH_LEN] = "";
  const char *name, *launch                               = EnvironmentAsked()->launch;

  (void)gethostname(host, sizeof host - 1);
  ProgramName(program, sizeof program);
  name = strrchr(program, '/') ? strrchr(program, '/') + 1 : program;
  TextAdd(&j->head, "{\"source\":\"run\",\"version\":%d,\"run\":\"%s\",\"time\":", JOURNAL_VERSION, j->run);
  TextTime(&j->head);
  TextAdd(&j->head, ",\"host\":");
  TextString(&j->head, host);
  TextAdd(&j->head, ",\"program\":");
  TextString(&j->head, name);
  TextAdd(&j->head, ",\"ranks\":%d,\"state\":\"%s\",\"launch\":", ranks, state);
  TextString(&j->head, launch ? launch : "");
  TextPut(&j->head, ",\"canary\":");
  TextNumber(&j->head, canary);
  TextAdd(&j->head, ",\"clock\":\"%s\"}\n", ClockCounts() ? "work" : "wall");
}

PetscErrorCode JournalOpen(MPI_Comm comm, const char *path, const char *state, double canary, Journal *j)
{
  const PetscInt64 most = EnvironmentAsked()->most_log;
  PetscMPIInt      ranks;

  PetscFunctionBegin;
  snprintf(j->path, sizeof j->path, "%s", path ? path : "");
  j->most = most > 0 ? (off_t)most : MOST;
  TextRun(j->run);
  PetscCallMPI(MPI_Bcast(j->run, sizeof j->run, MPI_CHAR, 0, comm));
  PetscCallMPI(MPI_Comm_size(comm, &ranks));
  if (j->path[0]) Head(j, state, canary, ranks);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int Open(const char *path)
{
  return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
}

/* Once, by whoever comes first: the others find another file under this name. */
static void Rotate(const char *path, int fd, const struct stat *full)
{
  char        old[PETSC_MAX_PATH_LEN + 2];
  struct stat now;

  snprintf(old, sizeof old, "%s.1", path);
  (void)flock(fd, LOCK_EX);
  if (!stat(path, &now) && now.st_ino == full->st_ino && now.st_dev == full->st_dev) (void)rename(path, old);
}

/* A line that did not fit, as on a full disk, is taken away again if nothing came after it. */
static int Torn(int fd, ssize_t n)
{
  const int   error = errno ? errno : ENOSPC;
  const off_t end   = lseek(fd, 0, SEEK_CUR);
  struct stat file;

  if (n > 0 && !fstat(fd, &file) && file.st_size == end) (void)!ftruncate(fd, end - n);
  return error;
}

static int Write(Journal *j, const Text *line)
{
  struct iovec part[2] = {
    {j->head.data, j->head.used},
    {line->data,   line->used  }
  };
  struct stat file;
  ssize_t     n;
  int         error = 0, fd = Open(j->path);
  PetscBool   known;
  SizeLimit   limit;

  if (fd < 0) return errno;
  if (fstat(fd, &file)) memset(&file, 0, sizeof file);
  if (S_ISREG(file.st_mode) && file.st_size && file.st_size + (off_t)line->used > j->most) {
    Rotate(j->path, fd, &file);
    close(fd);
    if ((fd = Open(j->path)) < 0) return errno;
    if (fstat(fd, &file)) memset(&file, 0, sizeof file);
  }
  known = (PetscBool)(j->file == file.st_ino && j->device == file.st_dev);
  errno = 0;
  SizeLimitLift(&limit);
  n = writev(fd, part + (known ? 1 : 0), known ? 1 : 2);
  if (n != (ssize_t)((known ? 0 : j->head.used) + line->used)) error = Torn(fd, n);
  SizeLimitSettle(&limit);
  if (close(fd) && !error) error = errno;
  j->file   = file.st_ino;
  j->device = file.st_dev;
  return error;
}

PetscBool JournalAppend(Journal *j, const Text *line)
{
  int error;

  if (!j->path[0]) return (PetscBool)!j->broken;
  if (!(error = line->data ? Write(j, line) : ENOMEM)) return PETSC_TRUE;
  fprintf(stderr, "metasolve: cannot write %s (%s); no more log lines\n", j->path, strerror(error));
  j->path[0] = 0;
  j->broken  = PETSC_TRUE;
  return PETSC_FALSE;
}

void JournalFree(Journal *j)
{
  TextFree(&j->head);
}
