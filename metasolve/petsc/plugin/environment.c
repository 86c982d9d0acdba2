/* environment.c - variables of the first rank, sent to the others as they are, and read by each in the same way. */
#define _GNU_SOURCE
#include "environment.h"
#include "metasolve.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OURS "METASOLVE_"

static Environment asked = {.budget = -1, .canary = -1, .most_log = -1, .every = -1, .most_systems = -1, .most_bytes = -1};
static char       *words = NULL; /* NAME=VALUE, each with a zero behind it, and an empty one at the end */

const Environment *EnvironmentAsked(void)
{
  return &asked;
}

/* ---- one word ---- */
static const char *Word(const char *name)
{
  const size_t n = strlen(name);

  for (const char *w = words; *w; w += strlen(w) + 1)
    if (!strncmp(w + strlen(OURS), name, n) && w[strlen(OURS) + n] == '=') return w + strlen(OURS) + n + 1;
  return NULL;
}

static const char *Filled(const char *name)
{
  const char *word = Word(name);

  return word && *word ? word : NULL;
}

static PetscBool IsOn(const char *name)
{
  const char *word = Filled(name);

  return (PetscBool)(word && strcmp(word, "0"));
}

static PetscBool IsOff(const char *name)
{
  const char *word = Filled(name);

  return (PetscBool)(word && !strcmp(word, "off"));
}

static double Number(const char *name) /* not negative */
{
  const char  *word = Filled(name);
  const double x    = word ? TextToNumber(word, NULL) : -1;

  return isgreaterequal(x, 0) ? x : -1;
}

static PetscInt64 Count(const char *name)
{
  return (PetscInt64)fmin(Number(name), 9e18);
}

static void Look(void)
{
  asked = (Environment){
    .mode          = Filled("MODE"),
    .dir           = Filled("DIR"),
    .prior         = Filled("PRIOR"),
    .log           = Filled("LOG"),
    .launch        = Filled("LAUNCH"),
    .state         = Filled("STATE"),
    .prefixes      = Word("PREFIX"), /* an empty one is of KSP without a prefix */
    .off_classes   = Filled("OFF_CLASSES"),
    .keep_refused  = Filled("KEEP_REFUSED"),
    .keep_slow     = Filled("KEEP_SLOW"),
    .inputs        = Filled("INPUTS"),
    .off           = IsOn("OFF"),
    .advise        = IsOn("ADVISE"),
    .freeze        = IsOn("FREEZE"),
    .deterministic = IsOn("DETERMINISTIC"),
    .no_direct     = IsOff("DIRECT"),
    .no_reuse      = IsOff("REUSE"),
    .no_earlier    = IsOff("EARLIER"),
    .budget        = Number("BUDGET"),
    .canary        = Number("CANARY"),
    .most_log      = Count("LOG_MAX"),
    .every         = Count("EVERY"),
    .most_systems  = Count("MAX_SYSTEMS"),
    .most_bytes    = Count("MAX_BYTES"),
  };
}

/* ---- all of them ---- */
static PetscBool IsOurs(const char *variable)
{
  return (PetscBool)(!strncmp(variable, OURS, strlen(OURS)) && strchr(variable, '='));
}

/* Bytes of all of ours, which are written where there is a place for them. */
static size_t Gather(char *to)
{
  size_t n = 0;

  for (char **each = environ; environ && *each; each++) {
    const size_t room = strlen(*each) + 1;
    if (!IsOurs(*each)) continue;
    if (to) memcpy(to + n, *each, room);
    n += room;
  }
  if (to) to[n] = 0;
  return n + 1;
}

PetscErrorCode EnvironmentRead(MPI_Comm comm)
{
  PetscMPIInt rank, n;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  n = rank ? 0 : (PetscMPIInt)Gather(NULL);
  PetscCallMPI(MPI_Bcast(&n, 1, MPI_INT, 0, comm));
  free(words);
  words = calloc((size_t)n, 1);
  PetscCheck(words, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for what the environment asks for");
  if (!rank) (void)Gather(words);
  PetscCallMPI(MPI_Bcast(words, n, MPI_CHAR, 0, comm));
  Look();
  PetscFunctionReturn(PETSC_SUCCESS);
}
