/*
   earlier.c - whether an attempt starts from earlier solutions (span.h): where they are seen to save more than they cost.

   What is compared are iterations, from the program's own start and from the best that the span has, times the seconds of one,
   with the seconds of finding that start. Where it does not pay, nothing is kept for 16 solves, then for 32, and so on. Where it
   does, the program's own start is tried again from time to time. Rank 0 decides.
*/
#include "runner.h"
#include "environment.h"
#include "spare.h"
#include <math.h>
#include <string.h>

#define FEW    1     /* iterations: nothing to gain */
#define ENOUGH 0.5   /* of the residual at the program's start: otherwise that is where to start */
#define GROWN  2     /* times as large as an answer from the program's own start: otherwise that is where to start, too */
#define CLOSER 0.25  /* of the target, where a solve has started from earlier solutions, ... */
#define LEAST  1e-13 /* ... but of the measure of x = 0 no less: rounding may put it out of reach */
#define TRIALS 2     /* starts from a whole span, before they are judged */
#define OFTEN  16    /* starts from a span before one from the program's own; then four times as many, and so on */
#define RESTS  16    /* solves, doubled each time */
#define SHARE  0.125 /* of the memory that there is to spare: what a span may take */

/* A factorisation of the very operator answers from anywhere. */
static PetscBool Factorised(const Solve *s)
{
  const char *type = SettingsGet(&s->run->decision.settings, "pc_type");

  if (s->preconditioner == PRECONDITIONER_KEPT || s->run->inner.kept) return PETSC_FALSE;
  return (PetscBool)(!strcmp(type, PCLU) || !strcmp(type, PCCHOLESKY));
}

/* A test, a monitor, a history of the program's finds its own start; a difference of functions is no product to combine; numbers
   that are probed are compared from the same start. */
static PetscBool May(const Solve *s)
{
  return (PetscBool)(!s->run->runner->trial && !SolveProbes(s) && !SolveGuessed(s) && s->contract.kind != CONTRACT_OWN_TEST &&
                     !s->onlookers && !s->logged && !(s->contract.noise > 0) && !Factorised(s) &&
                     strcmp(SettingsGet(&s->run->decision.settings, "ksp_type"), KSPPREONLY));
}

/* Seconds that starting from the span saves in a solve, on average. */
static double Saved(const Earlier *e)
{
  return (e->own.mean - e->from.mean) * e->each.mean - e->cost.mean;
}

static void Rest(Earlier *e)
{
  e->rest = RESTS << (e->failed < 10 ? e->failed++ : 10);
  e->from = e->cost = (Mean){0};
  e->doubted        = PETSC_FALSE;
}

/* It does not seem to pay. Solves may take more iterations by now than when one was last begun at the program's own start: that is
   asked first. */
static Recall Doubt(Earlier *e)
{
  if (e->doubted) {
    Rest(e);
    return RECALL_NOTHING;
  }
  e->doubted = PETSC_TRUE;
  e->own = e->from = (Mean){0};
  e->since         = 0;
  return RECALL_LATER;
}

/* Of rank 0. */
static Recall Verdict(Earlier *e)
{
  if (EnvironmentAsked()->no_earlier) return RECALL_NOTHING;
  if (e->rest > 0) {
    e->rest--;
    return RECALL_NOTHING;
  }
  if (e->own.n && e->own.mean <= FEW) return RECALL_NOTHING;
  if (!e->span.have) return RECALL_LATER;
  if (e->from.n >= TRIALS && !(Saved(e) > 0)) return Doubt(e);
  if (e->from.n >= TRIALS) e->doubted = PETSC_FALSE;
  if (!e->often) e->often = OFTEN;
  if (e->own.n && e->since < e->often) return RECALL_NOW;
  e->since = 0;
  if (e->own.n) e->often *= 4;
  return RECALL_LATER;
}

/* Rank 0's, where all ranks can. Collective. */
static PetscErrorCode Agree(Solve *s, Recall *recall)
{
  Earlier    *e = &s->run->earlier;
  PetscMPIInt rank;
  PetscBool   fits;
  int         least = RECALL_NOW;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PetscObjectComm((PetscObject)s->ksp), &rank));
  PetscCall(SpanFits(&e->span, s->ksp->vec_rhs, s->ksp->vec_sol, &fits));
  if (!rank) least = Verdict(e);
  if (!fits || (!e->span.have && SpanBytes(s->op.rows) > SHARE * MemoryFree())) least = RECALL_NOTHING;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &least, 1, MPI_INT, MPI_MIN, PetscObjectComm((PetscObject)s->ksp)));
  *recall = (Recall)least;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The norm of the right-hand side, weighted as images are. */
static PetscReal Asked(const Solve *s)
{
  return s->contract.judge.measure == MEASURE_ROWS ? s->contract.zero : s->contract.bnorm;
}

static PetscErrorCode Size(const Solve *s, double *size)
{
  PetscReal norm;

  PetscFunctionBegin;
  PetscCall(NormOf(s->ksp->vec_sol, NORM_2, &norm));
  *size = norm / Asked(s);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where an operator is singular and nobody has said so, what it does not see would add up from one start to the next. Where the
   very first starts are so large, it is the solutions that grow, and there is nothing to gain. */
static PetscErrorCode LeaveGrown(Solve *s)
{
  Earlier *e = &s->run->earlier;
  double   size;

  PetscFunctionBegin;
  PetscCall(Size(s, &size));
  if (!isgreater(size, GROWN * e->size)) PetscFunctionReturn(PETSC_SUCCESS);
  if (e->span.have < SPAN_RECENT) Rest(e);
  PetscCall(SpanFree(&e->span));
  PetscCall(StartOver(s));
  s->recall = RECALL_LATER;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Nothing will say how the operator is scaled meanwhile. */
static PetscErrorCode LetGo(Earlier *e)
{
  PetscFunctionBegin;
  PetscCall(SpanFree(&e->span));
  e->size = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Project(Solve *s)
{
  Span     *span = &s->run->earlier.span;
  PetscReal before, after, less;

  PetscFunctionBegin;
  PetscCall(SpanPrepare(span, &s->contract.judge, &s->op, &less));
  s->run->earlier.size *= less;
  s->run->earlier.op = s->op;
  PetscCall(SpanProject(span, &s->contract.judge, (PetscBool)!s->guess, ENOUGH, s->ksp->vec_sol, &before, &after));
  if (!isless(after, ENOUGH * before)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MirrorProject(s));
  s->guess  = PETSC_TRUE;
  s->origin = ORIGIN_EARLIER;
  s->start  = after * s->contract.bnorm / Asked(s);
  PetscCall(LeaveGrown(s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EarlierStart(Solve *s)
{
  const double processor = ClockProcessor();
  double       clock     = ClockNow();

  PetscFunctionBegin;
  if (!May(s)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Agree(s, &s->recall));
  if (s->recall == RECALL_NOTHING) PetscCall(LetGo(&s->run->earlier));
  if (s->recall == RECALL_NOW) PetscCall(Project(s));
  s->guessing += Lap(&clock);
  s->recalling = ClockProcessor() - processor;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What earlier solutions leave of the residual is smooth, and its error is larger than where iterations from the program's own
   start have left as much. So it is to be less than the contract asks for. */
PetscReal EarlierAim(const Solve *s)
{
  const PetscReal target = s->contract.target;

  if (s->origin != ORIGIN_EARLIER || s->contract.kind == CONTRACT_DIRECT) return target;
  return fmax(CLOSER * target, fmin(target, LEAST * s->contract.zero));
}

static void Learn(const Solve *s, Earlier *e)
{
  if (!SettingsSame(&e->settings, &s->run->inner.settings)) {
    e->own = e->from = e->each = e->cost = (Mean){0};
    e->settings                          = s->run->inner.settings;
  }
  if (s->recall != RECALL_NOW) {
    MeanAdd(&e->own, (double)s->its);
    if (s->its) MeanAdd(&e->each, fmin(s->solve, ClockProcessor() - s->began) / (double)s->its); /* others have no part in it */
  } else if (e->span.have == SPAN_RECENT) {
    MeanAdd(&e->from, (double)s->its);
    MeanAdd(&e->cost, s->recalling);
    e->since++;
  }
}

PetscErrorCode EarlierLearn(Solve *s)
{
  Earlier *e = &s->run->earlier;
  double   size;

  PetscFunctionBegin;
  if (s->recall == RECALL_NOT_ASKED) PetscFunctionReturn(PETSC_SUCCESS);
  if (s->source == SOURCE_MODEL && s->preconditioner != PRECONDITIONER_REBUILT) Learn(s, e);
  if (s->recall == RECALL_NOTHING) PetscFunctionReturn(PETSC_SUCCESS);
  if (s->origin != ORIGIN_EARLIER) {
    PetscCall(Size(s, &size));
    e->size = OperatorSame(&e->op, &s->op) ? fmax(e->size, size) : size;
    e->op   = s->op;
  }
  PetscCall(SpanKeep(&e->span, s->ksp->vec_sol, Asked(s)));
  PetscFunctionReturn(PETSC_SUCCESS);
}
