/*
   stub.c - what PETSc calls in PetscInitialize(), by -dll_append of this library.
*/
#define _GNU_SOURCE
#include "loader.h"
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define REGISTER "MetasolveRegister"
typedef int (*Register)(void);

/* Without MPI the launcher's variables tell who we are; where none is set, there is one process, or all of them speak. */
static int FirstRank(void)
{
  static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK",   "PMI_RANK",
                                      "MV2_COMM_WORLD_RANK",  "PALS_RANKID", "SLURM_PROCID"};

  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const char *rank = getenv(names[i]);
    if (rank && *rank) return !strcmp(rank, "0");
  }
  return 1;
}

/* A reader that has gone must not end the program by SIGPIPE. */
static void WriteLine(const char *line, size_t n)
{
  const struct timespec now = {0, 0};
  sigset_t              pipe, before, pending;
  int                   was_pending;

  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  sigpending(&pending);
  was_pending = sigismember(&pending, SIGPIPE);
  if (pthread_sigmask(SIG_BLOCK, &pipe, &before)) return;
  if (write(STDERR_FILENO, line, n) < 0 && !was_pending) (void)sigtimedwait(&pipe, NULL, &now);
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void Complain(const char *why)
{
  char line[LINE_ROOM + 128];
  int  n = snprintf(line, sizeof line, "metasolve: %s; every solve is left to the program's own settings", why);

  if (n < 0 || !FirstRank()) return;
  if ((size_t)n > sizeof line - 2) n = (int)sizeof line - 2;
  for (int i = 0; i < n; i++) /* names of folders may hold anything */
    if ((unsigned char)line[i] < ' ') line[i] = '?';
  line[n] = '\n';
  WriteLine(line, (size_t)n + 1);
}

static Register Open(const char *path, char why[LINE_ROOM])
{
  Register    start = NULL;
  const char *error;
  /* It stays loaded: PETSc keeps pointers to its functions until the very end. */
  void *core = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);

  if (core) *(void **)&start = dlsym(core, REGISTER);
  if (start) return start;
  error = dlerror();
  snprintf(why, LINE_ROOM, "the plug-in cannot be loaded (%.700s); run metasolve doctor, which builds it again",
           error ? error : "no reason given");
  return NULL;
}

static Register Find(const Program *program, char why[LINE_ROOM])
{
  static char core[PATH_MAX + 16];

  return FolderFind(program, core, why) ? NULL : Open(core, why);
}

/* NULL, with a reason where there is something to say */
static Register FindOnAllRanks(const void *caller, int asked, char why[LINE_ROOM])
{
  Program  program;
  Register start;
  State    least;

  if (ProgramLook(caller, &program, why)) return NULL; /* so it is on all ranks */
  start = asked ? Find(&program, why) : NULL;
  least = ProgramLeast(&program, start ? READY : asked ? REFUSED : NOT_ASKED);
  if (start && least == READY) return start;
  if (asked && least == NOT_ASKED)
    snprintf(why, LINE_ROOM,
             "METASOLVE_MODE and METASOLVE_DIR are not set on all ranks, or METASOLVE_OFF is on some; "
             "let mpiexec pass on all METASOLVE_ variables");
  else if (start) snprintf(why, LINE_ROOM, "the plug-in cannot be opened on all ranks; run metasolve doctor on each node");
  return NULL;
}

__attribute__((visibility("default"))) int PetscDLLibraryRegister_metasolve(void);

/* PETSc never learns of a failure of ours: it would end the program. */
int PetscDLLibraryRegister_metasolve(void)
{
  char        why[LINE_ROOM] = "";
  const char *mode = getenv("METASOLVE_MODE"), *dir = getenv("METASOLVE_DIR"), *off = getenv("METASOLVE_OFF");
  int         asked = mode && *mode && dir && *dir && !(off && *off && strcmp(off, "0"));
  Register    start = FindOnAllRanks(__builtin_return_address(0), asked, why);

  if (!asked) return 0;
  if (!start) Complain(why);
  else if (start()) Complain("PETSc reported an error while the plug-in started; see its lines above");
  return 0;
}
