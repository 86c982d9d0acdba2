/*
   attempt.c - the model's settings: tried, verified by the recomputed residual, tried again by a second choice; and the way back
   to the program's own.
*/
#include "run.h"
#include <string.h>

/* Seconds. Below the first a clock on the wall tells more about the machine than about the solve. */
#define SHORTEST_BUDGET    0.02
#define SHORTEST_PROCESSOR 0.004

static double Budget(const Host *h) /* seconds of the processor */
{
  return PetscMax(h->session->budget * h->decision.expected, SHORTEST_PROCESSOR);
}

static void Failure(const Host *h, const Limits *l, const Record *r, PetscBool error, char why[256])
{
  KSPConvergedReason reason = KSP_CONVERGED_ITERATING;

  if (!error) (void)KSPGetConvergedReason(h->inner, &reason);
  if (error) snprintf(why, 256, "PETSc reported an error in the solve");
  else if (l->late) snprintf(why, 256, "time budget of %.3g s used up", Budget(h));
  else if (reason < 0) snprintf(why, 256, "%s", KSPConvergedReasons[reason]);
  else snprintf(why, 256, "reported %s, but the true residual is %.3g times the tolerance", KSPConvergedReasons[reason], (double)(r->residual / r->target));
}

/* PETSC_TRUE in *ok: vec_sol holds a solution that meets the host's tolerance. */
static PetscErrorCode Try(KSP ksp, Host *h, Record *r, PetscBool *ok)
{
  PetscLogDouble clock;
  PetscBool      error = PETSC_FALSE, reuse = PETSC_FALSE;
  Limits         limits;

  PetscFunctionBegin;
  *ok      = PETSC_FALSE;
  ksp->its = 0;
  PetscCall(PetscTime(&clock));
  limits = (Limits){.target = r->target, .divergence = ksp->divtol, .processor = ProcessorTime() + Budget(h)};
  limits.deadline = clock + PetscMax(Budget(h), SHORTEST_BUDGET);
  if (r->fresh) {
    PetscCall(InnerReusable(ksp, h, &reuse));
    PetscCall(InnerSetUp(ksp, h, reuse, &error));
  }
  r->setup += Lap(&clock);
  if (error) snprintf(r->why, sizeof r->why, "the settings cannot be set up");
  else PetscCall(InnerSolve(ksp, h, &limits, r->guess, &error));
  r->solve += Lap(&clock);
  if (r->fresh && h->inner && !reuse) PetscCall(InnerForgetOptions(h, r->unused));
  if (*r->why) PetscFunctionReturn(PETSC_SUCCESS);
  for (int attempt = 0; !error; attempt++) {
    PetscCall(TrueResidual(ksp, h->previous.work[1], &r->residual));
    r->verify += Lap(&clock);
    *ok = (PetscBool)(r->residual <= r->target);
    if (*ok || attempt || limits.late || !(r->residual < 100 * r->target)) break;
    if (ksp->its + h->inner->its >= ksp->max_it) break;
    ksp->its += h->inner->its; /* nearly there: once more from here */
    PetscCall(InnerSolve(ksp, h, &limits, PETSC_TRUE, &error));
    r->solve += Lap(&clock);
  }
  if (!*ok) Failure(h, &limits, r, error, r->why);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where the last attempt left off if that is nearer than zero, else where the program starts. */
PetscErrorCode AttemptStart(KSP ksp, Host *h, Vec x0, Record *r)
{
  PetscFunctionBegin;
  PetscCall(TrueResidual(ksp, h->previous.work[1], &r->residual));
  if (r->residual < r->bnorm) r->guess = PETSC_TRUE;
  else if (x0) PetscCall(VecCopy(x0, ksp->vec_sol));
  else PetscCall(VecZeroEntries(ksp->vec_sol));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The first choice, and where that fails the second one. */
PetscErrorCode AttemptModel(KSP ksp, Host *h, Vec x0, Record *r, PetscBool *ok)
{
  char first[256];

  PetscFunctionBegin;
  PetscCall(Try(ksp, h, r, ok));
  if (*ok || !PolicySecond(h->session->policy, &h->decision)) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(first, sizeof first, "%s", r->why);
  r->why[0] = 0;
  r->fresh = r->second = PETSC_TRUE;
  PetscCall(AttemptStart(ksp, h, x0, r));
  PetscCall(Try(ksp, h, r, ok));
  if (!*ok) snprintf(first + strlen(first), sizeof first - strlen(first), "; second choice: %.120s", r->why);
  snprintf(r->why, sizeof r->why, "%s", first);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Right preconditioning may leave any multiple of the null space in x; the program's own settings add none to its guess. */
PetscErrorCode ProjectSolution(KSP ksp, Vec x0)
{
  MatNullSpace null;
  Mat          A;

  PetscFunctionBegin;
  PetscCall(KSPGetOperators(ksp, &A, NULL));
  PetscCall(MatGetNullSpace(A, &null));
  if (!null) PetscFunctionReturn(PETSC_SUCCESS);
  if (x0) PetscCall(VecAXPY(ksp->vec_sol, -1, x0));
  PetscCall(MatNullSpaceRemove(null, ksp->vec_sol));
  if (x0) PetscCall(VecAXPY(ksp->vec_sol, 1, x0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AttemptAccept(KSP ksp, Host *h, Vec x0, const Record *r)
{
  PetscFunctionBegin;
  PetscCall(ProjectSolution(ksp, x0));
  ksp->its += h->inner->its;
  ksp->rnorm  = r->residual;
  ksp->reason = r->residual <= ksp->abstol ? KSP_CONVERGED_ATOL : KSP_CONVERGED_RTOL;
  PetscCall(KSPLogResidualHistory(ksp, r->residual));
  h->failures = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The program's own solve from its own guess, as if nothing had been tried. */
PetscErrorCode OwnFromStart(KSP ksp, Host *h, Vec x0, Record *r)
{
  PetscLogDouble clock;

  PetscFunctionBegin;
  PetscCall(PetscTime(&clock));
  r->source = "fallback";
  r->start  = NAN;
  if (x0) PetscCall(VecCopy(x0, ksp->vec_sol));
  else PetscCall(VecZeroEntries(ksp->vec_sol));
  ksp->reason = KSP_CONVERGED_ITERATING; /* as KSPSolve() left them: a method may believe a stale reason and return at once */
  ksp->its    = 0;
  ksp->rnorm  = 0;
  PetscCall(HostSolveOwn(ksp, h));
  r->fallback = Lap(&clock);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AttemptDistrust(Host *h)
{
  PetscFunctionBegin;
  snprintf(h->decision.why, sizeof h->decision.why, "fell back before on this operator");
  h->decision.patience = 0;
  PetscCall(KSPDestroy(&h->inner));
  if (++h->failures >= FAILURES_BEFORE_PAUSE) h->pause = 8 << PetscMin(h->failures - FAILURES_BEFORE_PAUSE, 10);
  PetscFunctionReturn(PETSC_SUCCESS);
}
