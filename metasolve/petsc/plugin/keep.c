/*
   keep.c - whether the preconditioner that is there is kept for an operator that has changed since, as reuse.h has it.

   A kept one that takes too long, or fails, is made anew in the same solve (attempt.c), and nothing is kept for the next operators:
   for one, then two, then four, until one that is kept answers again.
*/
#include "runner.h"
#include "environment.h"
#include <math.h>
#include <string.h>

#define SERVES 2     /* operators that a set-up is taken to serve in a sequence, before one was seen to be made anew */
#define WORSE  1.5   /* times as many iterations after an update, ... */
#define MORE   2     /* ... and so many: the next one is built */
#define LITTLE 0.05  /* of a solve with its set-up: a set-up that takes less is no use to spare, ... */
#define DEAR   0.25  /* ... and one that takes less says nothing of how many operators a dearer one would serve */
#define LEAST  1e-15 /* relative accuracy that is asked for ... */
#define MOST   0.5   /* ... and at most */

PetscErrorCode CycleFree(Cycle *c)
{
  PetscFunctionBegin;
  PetscCall(SampledFree(&c->built));
  PetscCall(SampledFree(&c->last));
  *c = (Cycle){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool KeepIsOff(void)
{
  return EnvironmentAsked()->no_reuse;
}

static double Each(Class c, const Served *s)
{
  if (KeepIsOff() || c->operators < 2) return 1;
  return (double)(s->operators + SERVES) / (double)(s->anew + 1);
}

double KeepServes(Class c)
{
  return Each(c, &c->dear);
}

double KeepServed(Class c)
{
  return Each(c, &c->served);
}

/* Is there one, of settings that are still what would be chosen? */
static PetscBool Candidate(const Solve *s)
{
  const Run *r = s->run;

  return (PetscBool)(!KeepIsOff() && !r->runner->trial && r->cycle.reuse.solves > 0 && !r->decision.why &&
                     !(PolicyPrior(r->policy) && r->place.probe) && InnerMayKeep(&r->inner, ContractNorm(&s->contract)) &&
                     SettingsSame(&r->inner.settings, &r->decision.settings));
}

/* How far the operator has moved, since then and since the solve before. */
static PetscErrorCode Look(Solve *s, double *moved)
{
  Cycle *c = &s->run->cycle;

  PetscFunctionBegin;
  PetscCall(SampledChange(s->op.P, &c->built, &s->change));
  PetscCall(SampledChange(s->op.P, &c->last, moved));
  PetscCall(SampledTake(s->op.P, &c->last));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* By which share the residual has to fall, from so many times that of x = 0. */
static double Accuracy(const Contract *c, double start)
{
  const double accuracy = c->target / (c->judge.measure == MEASURE_NORM ? c->bnorm : c->zero) / start;

  return isgreater(accuracy, LEAST) ? fmin(accuracy, MOST) : LEAST;
}

/* Does the set-up of what is there take more than this share? */
static PetscBool SetUpTakes(const Reuse *r, double share)
{
  return (PetscBool)(r->setup > share * (r->setup + r->solve));
}

static double Allowed(Cycle *c, double change, double moved)
{
  const double patience = ReusePatience(&c->reuse, change, moved);

  if (c->rest > 0) c->rest--;
  else if (SetUpTakes(&c->reuse, LITTLE)) return patience;
  return 0;
}

PetscErrorCode KeepDecide(Solve *s)
{
  PetscBool fits;
  double    moved;

  PetscFunctionBegin;
  if (!Candidate(s)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(SampledFits(s->op.P, &s->run->cycle.built, &fits));
  if (!fits) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Look(s, &moved));
  ReuseAsk(&s->run->cycle.reuse, Accuracy(&s->contract, s->run->cycle.start));
  s->renewal = Allowed(&s->run->cycle, s->change, moved);
  PetscCallMPI(MPI_Bcast(&s->renewal, 1, MPI_DOUBLE, 0, PetscObjectComm((PetscObject)s->ksp)));
  if (s->renewal > 0) s->preconditioner = PRECONDITIONER_KEPT;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An answer with a preconditioner of another operator, or from earlier solutions, says nothing of what its settings take. */
PetscBool KeepTells(const Solve *s)
{
  if (s->answered && s->origin == ORIGIN_EARLIER) return PETSC_FALSE;
  return (PetscBool)(s->preconditioner < PRECONDITIONER_KEPT && !s->run->inner.kept);
}

static double Iterations(const Solve *s)
{
  return (double)PetscMax(s->its, 1);
}

void KeepFailed(Solve *s)
{
  Cycle *c = &s->run->cycle;

  ReuseStopped(&c->reuse, s->change, fmax(Iterations(s), s->renewal / c->reuse.each));
  c->rest = 1 << (c->failed < 10 ? c->failed++ : 10);
}

/* A solver that is only updated grows old: what of it follows from the first operator fits later ones less. Iterations count by
   what they had to reduce, from wherever a solve has started; the rest of one that a kept preconditioner has begun says nothing. */
static void Age(Solve *s, Cycle *c)
{
  if (!s->run->inner.updated) c->iterations = 0;
  if (s->preconditioner == PRECONDITIONER_REBUILT) return;
  if (!(c->iterations > 0)) c->iterations = Iterations(s) / c->reuse.accuracy;
  else if (Iterations(s) > WORSE * c->iterations * c->reuse.accuracy + MORE) InnerAnew(&s->run->inner);
}

/* A preconditioner was made; *other: in place of one of other settings. What is left of a solve that a kept one has begun says
   nothing of a whole one. */
static PetscErrorCode Begin(Solve *s, double start, PetscBool *other)
{
  Cycle *c = &s->run->cycle;
  Reuse *r = &c->reuse;

  PetscFunctionBegin;
  if (!SettingsSame(&c->settings, &s->run->inner.settings)) {
    *other = (PetscBool)(c->settings.n > 0);
    ReuseBegin(r, REUSE_MEAN, REUSE_VARIANCE);
    c->settings = s->run->inner.settings;
    c->failed = c->rest = 0;
  }
  PetscCall(SampledTake(s->op.P, &c->built));
  if (isnan(s->change)) PetscCall(SampledTake(s->op.P, &c->last)); /* else Look() has */
  ReuseAsk(r, Accuracy(&s->contract, start));
  if (s->preconditioner == PRECONDITIONER_REBUILT && r->solves > 0) ReuseRenewed(r, s->setup);
  else ReuseBuilt(r, s->setup, s->solve + s->verify, Iterations(s));
  Age(s, c);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where the solve has started, in times of x = 0. */
static double Started(const Solve *s)
{
  return SolveGuessed(s) ? fmax(s->start / s->contract.bnorm, LEAST) : 1;
}

/* One more operator. What was made for other settings says nothing: what was there might have served on. */
static void Count(Served *s, PetscBool made)
{
  s->operators++;
  if (made) s->anew++;
}

PetscErrorCode KeepLearn(Solve *s)
{
  Cycle       *c       = &s->run->cycle;
  const double seconds = s->setup + s->solve + s->verify, start = Started(s);
  PetscBool    made = (PetscBool)(s->made && s->preconditioner != PRECONDITIONER_KEPT), other = PETSC_FALSE;

  PetscFunctionBegin;
  if (KeepIsOff() || s->run->runner->trial || !s->op.readable || SolveProbes(s)) PetscFunctionReturn(PETSC_SUCCESS);
  c->start = c->start > 0 ? sqrt(c->start * start) : start;
  if (s->preconditioner == PRECONDITIONER_KEPT) c->failed = 0;
  if (made) PetscCall(Begin(s, start, &other));
  else if (s->preconditioner == PRECONDITIONER_KEPT && s->its) {
    ReuseAsk(&c->reuse, Accuracy(&s->contract, start));
    ReuseKept(&c->reuse, s->change, seconds, Iterations(s));
  } else ReuseAgain(&c->reuse, seconds);
  if (!s->fresh || other) PetscFunctionReturn(PETSC_SUCCESS);
  Count(&s->class->served, made);
  if (SetUpTakes(&c->reuse, DEAR)) Count(&s->class->dear, made);
  PetscFunctionReturn(PETSC_SUCCESS);
}
