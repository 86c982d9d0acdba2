/* start.c - where a solve starts: a guess of ours, where the program has none and it is nearer than zero. */
#include "run.h"
#include <math.h>

#define FALLING 0.99 /* of the true residual norm at the look before: otherwise there is nothing to go on for */

static void Missed(Host *h)
{
  if (++h->misses >= FAILURES_BEFORE_PAUSE) h->rest = 8 << PetscMin(h->misses - FAILURES_BEFORE_PAUSE, 10);
}

static PetscErrorCode Fits(Host *h, Mat A)
{
  PetscObjectId    id;
  PetscObjectState pattern;

  PetscFunctionBegin;
  PetscCall(PetscObjectGetId((PetscObject)A, &id));
  PetscCall(MatGetNonzeroState(A, &pattern));
  if (id == h->pattern_id && pattern == h->pattern) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(GuessFits(h->session->guess, A, &h->fits));
  h->pattern_id = id;
  h->pattern    = pattern;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Puts it into vec_sol if the residual is smaller there than at zero. */
PetscErrorCode StartFromGuess(KSP ksp, Host *h, Record *r)
{
  const KSPConvergedDefaultCtx *c = (const KSPConvergedDefaultCtx *)ksp->cnvP;
  PetscBool                     made = PETSC_FALSE;
  Mat                           A;

  PetscFunctionBegin;
  if (!h->session->guess || r->guess || c->initialrtol || c->mininitialrtol || h->rest-- > 0) PetscFunctionReturn(PETSC_SUCCESS);
  h->rest = 0;
  PetscCall(KSPGetOperators(ksp, &A, NULL));
  PetscCall(Fits(h, A));
  if (h->fits) PetscCall(GuessMake(h->session->guess, A, ksp->vec_rhs, ksp->vec_sol, &made));
  if (made) PetscCall(TrueResidual(ksp, NULL, &r->residual));
  r->guess = (PetscBool)(made && r->residual < r->bnorm);
  if (r->guess) {
    r->start  = r->residual;
    h->misses = 0;
  } else {
    Missed(h);
    PetscCall(VecZeroEntries(ksp->vec_sol));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The guess meets the tolerance: nothing is set up. */
PetscErrorCode StartAccept(KSP ksp, Host *h, Record *r)
{
  PetscFunctionBegin;
  PetscCall(RunLeave(h, r));
  PetscCall(ProjectSolution(ksp, NULL));
  ksp->its    = 0;
  ksp->rnorm  = r->start;
  ksp->reason = r->start <= ksp->abstol ? KSP_CONVERGED_ATOL : KSP_CONVERGED_RTOL;
  r->own      = PETSC_TRUE;
  r->why[0]   = 0;
  PetscCall(KSPLogResidualHistory(ksp, r->start));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The program's own test; but where it is content before the true residual meets the target, the solve goes on. */
static PetscErrorCode Further(KSP ksp, PetscInt it, PetscReal rnorm, KSPConvergedReason *reason, void *context)
{
  Host              *h;
  Vec                x, work, r;
  PetscReal          norm;
  Onward            *o;
  KSPConvergedReason own;

  PetscFunctionBegin;
  PetscCall(HostFind(ksp, &h));
  o = &h->onward;
  PetscCall(h->test(ksp, it, rnorm, reason, context));
  if (*reason <= 0) PetscFunctionReturn(PETSC_SUCCESS);
  own     = *reason;
  *reason = KSP_CONVERGED_ITERATING; /* while it is another, newer PETSc takes vec_sol for the solution */
  if (rnorm > o->enough) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(ksp->vec_rhs, &x));
  PetscCall(VecDuplicate(ksp->vec_rhs, &work));
  PetscCall(KSPBuildResidual(ksp, x, work, &r));
  PetscCall(VecNorm(r, NORM_2, &norm));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&work));
  if (!(norm > o->target && norm < FALLING * o->norm)) *reason = own;
  o->norm   = norm;
  o->enough = rnorm * PetscMax(o->target / norm, 0.1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The program's own solve from vec_sol, and on from there until the true residual meets the tolerance. */
static PetscErrorCode OwnToTarget(KSP ksp, Host *h, Record *r)
{
  const PetscReal rtol   = ksp->rtol;
  const PetscInt  max_it = ksp->max_it;
  PetscErrorCode  err    = PETSC_SUCCESS;
  PetscInt        its    = 0;

  PetscFunctionBegin;
  ksp->guess_zero = PETSC_FALSE;
  for (int attempt = 0; !err && attempt < 3 && its < max_it; attempt++) {
    ksp->reason = KSP_CONVERGED_ITERATING;
    ksp->max_it = max_it - its;
    ksp->its    = 0;
    h->onward   = (Onward){.target = r->target, .norm = INFINITY, .enough = INFINITY};
    err         = HostSolveTested(ksp, h, Further);
    its += ksp->its;
    if (!err && ksp->reason > 0) err = TrueResidual(ksp, NULL, &r->residual);
    if (err || ksp->reason < 0 || r->residual <= r->target) break;
    ksp->rtol *= 0.5 * r->target / r->residual; /* a method that does not tell its residual on the way */
  }
  ksp->guess_zero = PETSC_TRUE;
  ksp->rtol       = rtol;
  ksp->max_it     = max_it;
  ksp->its        = its;
  PetscCall(err);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The program's own settings, from the guess; from zero if that fails. */
PetscErrorCode StartOwn(KSP ksp, Host *h, Record *r, PetscBool *ok)
{
  PetscLogDouble clock;

  PetscFunctionBegin;
  PetscCall(PetscTime(&clock));
  PetscCall(RunLeave(h, r));
  r->own = PETSC_TRUE;
  PetscCall(OwnToTarget(ksp, h, r));
  r->solve  = Lap(&clock);
  *ok       = (PetscBool)(ksp->reason > 0 && r->residual <= r->target);
  r->why[0] = 0;
  if (*ok) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(r->why, sizeof r->why, "%s from a guess, under the program's own settings", KSPConvergedReasons[ksp->reason]);
  h->misses = PetscMax(h->misses, FAILURES_BEFORE_PAUSE - 1);
  Missed(h);
  PetscCall(OwnFromStart(ksp, h, NULL, r));
  PetscFunctionReturn(PETSC_SUCCESS);
}
