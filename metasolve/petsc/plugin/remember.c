/* remember.c - see remember.h. Nothing of MPI is called: it may happen at exit. */
#include "remember.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OFTEN 20   /* seconds from one writing of the state to the next, at most, ... */
#define MANY  4096 /* ... and lessons */

static Runner *remembering = NULL; /* whose state is to be written if the process ends without PetscFinalize() */

/* What the journal cannot tell of is not added: it would be added again, from the lines that are there. */
static const char *Try(Runner *r)
{
  State *s     = &r->state;
  int    error = StateBegin(s, RunnerPrior(r));

  if (error) return strerror(error);
  if (!JournalSaves(r)) {
    StateGiveUp(s);
    return "the journal cannot tell of it";
  }
  error = StateEnd(s, &r->classes);
  return error ? strerror(error) : NULL;
}

/* A copy of the process has all that is known here, and tells nothing of it. */
static PetscBool Mine(const Runner *r)
{
  return (PetscBool)(r->state.process == getpid());
}

static void Save(Runner *r)
{
  State      *s = &r->state;
  const char *why;

  s->saved = ClockNow();
  if (!s->path[0] || !s->n || !Mine(r) || !(why = Try(r))) return;
  fprintf(stderr, "metasolve: cannot write %s (%s); the program adds nothing more to it\n", s->path, why);
  s->path[0] = 0;
}

static void AtExit(void)
{
  if (!remembering || !Mine(remembering)) return;
  JournalEnd(remembering);
  Save(remembering);
}

void RememberBegin(Runner *r, const char *state)
{
  static PetscBool registered = PETSC_FALSE;

  if (remembering) return;
  if (!registered) registered = (PetscBool)!atexit(AtExit);
  remembering = r;
  snprintf(r->state.path, sizeof r->state.path, "%s", state);
  r->state.process = getpid();
  r->state.saved   = ClockNow();
}

void RememberNow(Runner *r, double now)
{
  if (now - r->state.saved > OFTEN || r->state.n >= MANY) Save(r);
}

void RememberEnd(Runner *r)
{
  Save(r);
  if (remembering == r) remembering = NULL;
}
