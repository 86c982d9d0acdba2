/* limits.c - the convergence test of inner and replayed solves. */
#include "limit.h"
#include "clock.h"
#include <math.h>
#include <stdlib.h>

/* The norm at an iteration; what was skipped is filled with the one before. */
static void CourseSet(Course *c, PetscInt it, PetscReal norm)
{
  if (!c || !c->kept || it < 0) return;
  if (it >= c->room) {
    PetscInt   room = it < 64 ? 128 : 2 * it;
    PetscReal *more = realloc(c->norm, (size_t)room * sizeof *more);
    if (!more) c->kept = PETSC_FALSE;
    if (!more) return;
    c->norm = more;
    c->room = room;
  }
  for (; c->n < it; c->n++) c->norm[c->n] = c->n ? c->norm[c->n - 1] : norm;
  c->norm[it] = norm;
  if (c->n <= it) c->n = it + 1;
}

void CourseFree(Course *c)
{
  free(c->norm);
  *c = (Course){0};
}

/* ---- the measure of an iterate, at moments that follow from how it fell so far ---- */
#define FALLING 0.5 /* of the measure at a look before, where the norm has fallen by ... */
#define DRIFTED 0.1 /* ... this: otherwise the method carries a norm along that its iterate does not have. So near the target ... */
#define NEAR    100 /* ... times it, the look is the last at which it had fallen, for it will rise; else it is the last of all */

static void WhenNext(Limits *l, PetscInt it, PetscReal norm, double seen)
{
  const double rate = isfinite(l->seen) ? log(l->seen / seen) / (double)(it - l->looked) : 0;
  const double left = isgreater(rate, 0) ? 0.9 * log(seen / l->target) / rate : (double)it / 2;

  l->due    = it + (int64_t)ceil(fmin(fmax(left, 1), fmax((double)it / 2, 1)));
  l->enough = norm * l->target / seen;
  l->looked = it;
  l->seen   = seen;
}

static PetscBool Drifted(Limits *l, PetscReal norm, double seen)
{
  if (isgreater(seen, FALLING * l->fell) && isless(norm, DRIFTED * l->norm)) return PETSC_TRUE;
  if (islessequal(seen, NEAR * l->target) && isgreater(seen, FALLING * l->fell)) return PETSC_FALSE;
  l->fell = seen;
  l->norm = norm;
  return PETSC_FALSE;
}

static PetscErrorCode LookAt(KSP ksp, Limits *l, PetscInt it, PetscReal norm, KSPConvergedReason *reason)
{
  PetscReal seen;

  PetscFunctionBegin;
  if (it == 0) {
    l->seen = l->fell = INFINITY;
    l->norm           = norm;
    l->looked         = 0;
    l->due            = ksp->guess_zero ? 1 : 0;
    l->enough         = 0;
  }
  if (it < l->due && norm > l->enough) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(l->look(ksp, l->judge, &seen));
  if (!isfinite(seen)) *reason = KSP_DIVERGED_NANORINF;
  else if (seen <= l->target) *reason = KSP_CONVERGED_RTOL;
  else if (Drifted(l, norm, seen)) *reason = KSP_DIVERGED_BREAKDOWN;
  WhenNext(l, it, norm, seen);
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define GIVE_UP 2 /* times as fast must others be: what falls by fits and starts is foreseen too late */

/* Would others be faster from their start, than this one from where it is? Collective at some iterations: ranks agree. */
static PetscErrorCode Compare(KSP ksp, const Limits *l, PetscInt it, PetscReal rnorm, KSPConvergedReason *reason)
{
  Prospect    *p   = l->prospect;
  const double aim = l->look ? l->enough : l->target > 0 ? l->target : p->aim;
  double       now, left;

  PetscFunctionBegin;
  if (it == 0) {
    p->pace.seen = 0;
    p->began     = ClockProcessor();
    p->least     = rnorm;
    p->done      = INFINITY;
  }
  p->least = fmin(p->least, rnorm); /* BiCGStab's goes up and down */
  if (!PaceSee(&p->pace, it, p->least) || !(aim > 0)) PetscFunctionReturn(PETSC_SUCCESS);
  now     = ClockProcessor() + ClockAhead(ksp, it);
  left    = PaceLeft(&p->pace, aim) * (now - p->began) / (double)it;
  p->done = now + left;
  left    = now > p->foreseen && left > GIVE_UP * p->other ? left : 0;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &left, 1, MPI_DOUBLE, MPI_MAX, PetscObjectComm((PetscObject)ksp)));
  p->left = left;
  if (left > 0) *reason = KSP_DIVERGED_ITS;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where a set-up has used up the time, a few dear iterations more are as bad; a factorisation's two are not. */
static PetscBool Due(PetscInt it)
{
  return (PetscBool)(it == 2 || it == 4 || it % 8 == 7);
}

/* Others would begin from their start: what seems to be done soon goes on, for so long at most. */
static double Until(const Limits *l)
{
  const Prospect *p = l->prospect;

  return l->processor + (p && p->done <= l->processor + p->spare ? p->spare : 0);
}

/* Collective: ranks agree that the time is up, at some iterations. */
PetscErrorCode LimitsTest(KSP ksp, PetscInt it, PetscReal rnorm, KSPConvergedReason *reason, void *context)
{
  Limits *l = (Limits *)context;
  double  ahead;

  PetscFunctionBegin;
  *reason = KSP_CONVERGED_ITERATING;
  if (it == 0) l->first = rnorm;
  CourseSet(l->course, (PetscInt)l->before + it, rnorm);
  if (!isfinite(rnorm)) *reason = KSP_DIVERGED_NANORINF;
  else if (l->test) PetscCall(l->test(l->asked, (PetscInt)l->before + it, rnorm, reason));
  else if (l->look) PetscCall(LookAt(ksp, l, it, rnorm, reason));
  else if (rnorm <= l->target) *reason = KSP_CONVERGED_RTOL;
  else if (rnorm >= l->divergence * fmax(l->first, l->target)) *reason = KSP_DIVERGED_DTOL;
  if (!*reason && l->prospect) PetscCall(Compare(ksp, l, it, rnorm, reason));
  if (!*reason && l->deadline > 0 && Due(it)) {
    ahead   = ClockAhead(ksp, it);
    l->late = ClockNow() + ahead > l->deadline || (l->processor > 0 && ClockProcessor() + ahead > Until(l));
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &l->late, 1, MPI_INT, MPI_MAX, PetscObjectComm((PetscObject)ksp)));
    if (l->late) *reason = KSP_DIVERGED_ITS;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@C
  MetasolveLimit - Stops the solves of a `KSP` of the caller at a measure of its iterate, or when a time is over

  Logically Collective

  Input Parameters:
+ ksp     - the solver, its type and tolerances set
. target  - the measure at which it has converged
. seconds - from now; 0 for no limit
- judge   - from `MetasolveJudge()`, must outlive the solves; NULL for the norm of the residual that the `KSP` carries along

  Output Parameter:
. limits - must outlive the solves; `late` says whether the time ran out

  Level: developer

.seealso: `MetasolveJudge()`
@*/
PetscErrorCode MetasolveLimit(KSP ksp, Limits *limits, double target, double seconds, void *judge)
{
  const double now = ClockNow();

  PetscFunctionBegin;
  *limits = (Limits){.target     = target,
                     .divergence = ksp->divtol,
                     .deadline   = seconds > 0 ? now + seconds : 0,
                     .look       = judge ? JudgeIterate : NULL,
                     .judge      = judge};
  PetscCall(KSPSetConvergenceTest(ksp, LimitsTest, limits, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}
