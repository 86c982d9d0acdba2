/* start.c - where a solve starts: a guess of ours, where the program has none and it is nearer than zero. */
#include "runner.h"
#include "guard.h"
#include <math.h>

#define FALLING 0.99 /* of the true residual norm at the look before: otherwise there is nothing to go on for */

/* The program's own solve goes on until the true residual meets the target. */
typedef struct {
  PetscReal target, norm, enough; /* norm: at the last look; enough: what its own norm must reach before the next one */
} Onward;

static PetscErrorCode Fits(Solve *s, PetscBool *fits)
{
  Run *r = s->run;

  PetscFunctionBegin;
  if (s->op.id != r->pattern_id || s->op.pattern != r->pattern) {
    PetscCall(GuessFits(r->runner->guess, s->op.P, &r->fits));
    r->pattern_id = s->op.id;
    r->pattern    = s->op.pattern;
  }
  *fits = r->fits;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Collective: rank 0's class says whether guesses rest. */
static PetscErrorCode Wanted(Solve *s, PetscBool *wanted)
{
  const KSPConvergedDefaultCtx *c = (const KSPConvergedDefaultCtx *)s->ksp->cnvP;
  int                           rest;

  PetscFunctionBegin;
  *wanted = (PetscBool)(s->run->runner->guess && !s->guess && !c->initialrtol && !c->mininitialrtol);
  if (!*wanted) PetscFunctionReturn(PETSC_SUCCESS);
  rest = s->class->rest-- > 0;
  PetscCallMPI(MPI_Bcast(&rest, 1, MPI_INT, 0, PetscObjectComm((PetscObject)s->ksp)));
  if (!rest) s->class->rest = 0;
  *wanted = (PetscBool)!rest;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode StartFromGuess(Solve *s)
{
  PetscBool wanted = PETSC_FALSE, fits = PETSC_FALSE, made = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(Wanted(s, &wanted));
  if (!wanted) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Fits(s, &fits));
  if (fits) PetscCall(GuessMake(s->run->runner->guess, s->op.P, s->ksp->vec_rhs, s->ksp->vec_sol, &made));
  if (made) PetscCall(MirrorProject(s));
  if (made) PetscCall(TrueResidual(s->ksp, &s->residual));
  s->guess = (PetscBool)(made && isless(s->residual, s->contract.bnorm));
  if (s->guess) {
    s->start         = s->residual;
    s->origin        = ORIGIN_LEARNED;
    s->class->misses = 0;
  } else {
    ClassMissed(s->class);
    PetscCall(VecZeroEntries(s->ksp->vec_sol));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode StartOver(Solve *s)
{
  PetscFunctionBegin;
  s->guess  = (PetscBool)(s->x0 != NULL);
  s->origin = s->guess ? ORIGIN_PROGRAM : ORIGIN_ZERO;
  s->start  = NAN;
  if (s->guess) PetscCall(VecCopy(s->x0, s->ksp->vec_sol));
  else PetscCall(VecZeroEntries(s->ksp->vec_sol));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode StartAccept(Solve *s)
{
  PetscFunctionBegin;
  s->its      = 0;
  s->course.n = 0;
  s->residual = s->start;
  PetscCall(MirrorAnswer(s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The program's own test is content: does the true residual say so as well? */
static PetscErrorCode LookFurther(KSP ksp, Onward *o, PetscReal rnorm, KSPConvergedReason *reason)
{
  const KSPConvergedReason own = *reason;
  Vec                      x, work, r;
  PetscReal                norm;

  PetscFunctionBegin;
  *reason = KSP_CONVERGED_ITERATING; /* while it is another, newer PETSc takes vec_sol for the solution */
  if (isgreater(rnorm, o->enough)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(ksp->vec_rhs, &x));
  PetscCall(VecDuplicate(ksp->vec_rhs, &work));
  PetscCall(KSPBuildResidual(ksp, x, work, &r));
  PetscCall(NormOf(r, NORM_2, &norm));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&work));
  if (!(isgreater(norm, o->target) && isless(norm, FALLING * o->norm))) *reason = own;
  o->norm   = norm;
  o->enough = rnorm * fmax(o->target / norm, 0.1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Further(KSP ksp, PetscInt it, PetscReal rnorm, KSPConvergedReason *reason, void *context)
{
  PetscErrorCode err;
  Host          *h;

  PetscFunctionBegin;
  PetscCall(HostFind(ksp, &h));
  PetscCall(h->test(ksp, it, rnorm, reason, context));
  if (*reason <= 0) PetscFunctionReturn(PETSC_SUCCESS);
  GuardEnter();
  err = LookFurther(ksp, (Onward *)h->testing, rnorm, reason);
  GuardLeave();
  PetscCall(err);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From vec_sol, and on from there until the true residual meets the tolerance. */
static PetscErrorCode OwnToTarget(Solve *s)
{
  KSP             ksp    = s->ksp;
  const PetscReal rtol   = ksp->rtol;
  const PetscInt  max_it = ksp->max_it;
  PetscErrorCode  err    = PETSC_SUCCESS;
  PetscInt        its    = 0;
  Onward          onward;

  PetscFunctionBegin;
  ksp->guess_zero = PETSC_FALSE;
  for (int attempt = 0; !err && attempt < 3 && its < max_it; attempt++) {
    ksp->reason = KSP_CONVERGED_ITERATING;
    ksp->max_it = max_it - its;
    ksp->its    = 0;
    onward      = (Onward){.target = s->contract.target, .norm = INFINITY, .enough = INFINITY};
    err         = HostSolveTested(ksp, s->host, Further, &onward);
    its += ksp->its;
    if (!err && ksp->reason > 0) err = TrueResidual(ksp, &s->residual);
    if (err || ksp->reason < 0 || ContractMet(&s->contract, s->residual)) break;
    ksp->rtol *= 0.5 * s->contract.target / s->residual; /* a method that does not tell its residual on the way */
  }
  ksp->guess_zero = PETSC_TRUE;
  ksp->rtol       = rtol;
  ksp->max_it     = max_it;
  ksp->its        = its;
  PetscCall(err);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode StartOwn(Solve *s, PetscBool *ok)
{
  double clock;

  PetscFunctionBegin;
  clock  = ClockNow();
  s->own = PETSC_TRUE;
  PetscCall(OwnToTarget(s));
  s->solve = Lap(&clock);
  *ok      = (PetscBool)(s->ksp->reason > 0 && ContractMet(&s->contract, s->residual));
  s->why   = *ok ? WHY_NOT : WHY_DIVERGED;
  if (*ok) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(s->detail, sizeof s->detail, "%s from a guess, under the program's own settings", KSPConvergedReasons[s->ksp->reason]);
  s->class->misses = PetscMax(s->class->misses, CLASS_FAILURES - 1);
  ClassMissed(s->class);
  PetscFunctionReturn(PETSC_SUCCESS);
}
