/*
   keep.c - whether the preconditioner that is there is kept for an operator that has changed since.

   A solve with it is foreseen to take exp(slope * change) times what the first one took, with a slope that the class has shown. Over
   a cycle, from one set-up to the next, the seconds per operator first fall and then rise: the preconditioner is kept while the
   next solve is foreseen to take less than the mean of the cycle so far. A solve that takes longer than a renewal would is
   stopped, and goes on with a preconditioner of its own (attempt.c).
*/
#include "runner.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SLOPE  1.5 /* before anything was seen ... */
#define SERVES 2   /* operators that a set-up is taken to serve in a sequence, before one was seen to */
#define LITTLE 0.1 /* of a solve with its set-up: a set-up that takes less is no use to spare */
#define SURE   0.1 /* ... and how sure that is: as sure as kept solves make it whose squares of changes add up to this */

PetscErrorCode CycleFree(Cycle *c)
{
  PetscFunctionBegin;
  PetscCall(SampledFree(&c->sampled));
  *c = (Cycle){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double Slope(const Growth *g)
{
  return fmax((g->xy + SURE * SLOPE) / (g->xx + SURE), 0);
}

static double Moved(const Change *c)
{
  return c->diagonal + c->rows;
}

static PetscBool Off(void)
{
  static int  off = -1;
  const char *word;

  if (off < 0) off = (word = getenv("METASOLVE_REUSE")) && !strcmp(word, "off");
  return (PetscBool)off;
}

double KeepServes(Class c)
{
  if (Off() || c->operators < 2) return 1;
  return fmax((c->served + SERVES) / (c->builds + 1.), 1);
}

/* Of the same settings, which are still what would be chosen. */
static PetscBool Candidate(const Solve *s)
{
  const Run *r = s->run;

  return (PetscBool)(!Off() && !r->runner->trial && r->cycle.operators && !r->decision.why &&
                     InnerMayKeep(&r->inner, ContractNorm(&s->contract)) &&
                     SettingsSame(&r->inner.settings, &r->decision.settings));
}

static PetscBool Worth(const Solve *s)
{
  const Cycle *c = &s->run->cycle;

  if (c->setup < LITTLE * (c->setup + c->fresh)) return PETSC_FALSE;
  return (PetscBool)(c->fresh * exp(Slope(&s->class->growth) * Moved(&s->change)) <= c->spent / c->operators);
}

PetscErrorCode KeepDecide(Solve *s)
{
  const Cycle *c = &s->run->cycle;
  PetscBool    fits;
  int          keep = 0;

  PetscFunctionBegin;
  if (!Candidate(s)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(SampledFits(s->op.A, &c->sampled, &fits));
  if (!fits) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(SampledCompare(s->op.A, &c->sampled, &s->change));
  keep = Worth(s);
  PetscCallMPI(MPI_Bcast(&keep, 1, MPI_INT, 0, PetscObjectComm((PetscObject)s->ksp)));
  s->renewal = c->setup + c->fresh;
  if (keep) s->reuse = REUSE_KEPT;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A solve with a preconditioner of another operator says nothing of what its settings take. */
PetscBool KeepTells(const Solve *s)
{
  return (PetscBool)(s->reuse == REUSE_NOT && !s->run->inner.kept);
}

/* A preconditioner has been made: a cycle begins. What a kept one that failed has cost is of the cycle before. */
static PetscErrorCode Begin(Solve *s)
{
  Cycle *c = &s->run->cycle;

  PetscFunctionBegin;
  PetscCall(SampledTake(s->op.A, &c->sampled));
  c->setup     = s->setup;
  c->fresh     = s->solve + s->verify;
  c->spent     = c->setup + c->fresh;
  c->operators = 1;
  s->class->builds++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Seen(Solve *s, double seconds)
{
  Growth      *g = &s->class->growth;
  const double x = Moved(&s->change), y = log(seconds / s->run->cycle.fresh);

  g->xx += x * x;
  g->xy += x * y;
}

void KeepFailed(Solve *s)
{
  Seen(s, s->setup + s->solve + s->verify);
}

PetscErrorCode KeepLearn(Solve *s)
{
  Cycle *c = &s->run->cycle;

  PetscFunctionBegin;
  if (Off() || s->run->runner->trial || !s->op.readable) PetscFunctionReturn(PETSC_SUCCESS);
  if (s->made && s->reuse != REUSE_KEPT) {
    PetscCall(Begin(s));
  } else {
    c->spent += s->setup + s->solve + s->verify;
    if (s->fresh) c->operators++;
    if (s->fresh && s->reuse == REUSE_KEPT) Seen(s, s->solve + s->verify);
  }
  if (s->fresh) s->class->served++;
  PetscFunctionReturn(PETSC_SUCCESS);
}
