/*
   limits.c - when an inner or a replayed solve stops: the unpreconditioned residual norm reaches a target, grows beyond
   hope, or a time budget is used up. Production and training use this same test, so their outcomes are the same.
*/
#include "metasolve.h"
#include <time.h>

/* Seconds that this thread has computed: unlike the time of day they do not go on while others have the processor. */
double ProcessorTime(void)
{
  struct timespec t;

  return clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) ? 0 : (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Collective: ranks agree that the time is up, every eighth iteration. */
PetscErrorCode LimitsTest(KSP ksp, PetscInt it, PetscReal rnorm, KSPConvergedReason *reason, void *context)
{
  Limits        *l = (Limits *)context;
  PetscLogDouble now;

  PetscFunctionBegin;
  *reason = KSP_CONVERGED_ITERATING;
  if (it == 0) l->first = rnorm;
  if (PetscIsInfOrNanReal(rnorm)) *reason = KSP_DIVERGED_NANORINF;
  else if (rnorm <= l->target) *reason = KSP_CONVERGED_RTOL;
  else if (rnorm >= l->divergence * PetscMax(l->first, l->target)) *reason = KSP_DIVERGED_DTOL;
  else if (l->deadline > 0 && it % 8 == 7) {
    PetscCall(PetscTime(&now));
    l->late = now > l->deadline || (l->processor > 0 && ProcessorTime() > l->processor);
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &l->late, 1, MPI_INT, MPI_MAX, PetscObjectComm((PetscObject)ksp)));
    if (l->late) *reason = KSP_DIVERGED_ITS;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Stops a KSP of the caller at |r|_2 <= target, or after `seconds` from now (0: no limit). `limits` must outlive the KSP. */
PetscErrorCode MetasolveLimit(KSP ksp, Limits *limits, double target, double seconds)
{
  PetscLogDouble now;

  PetscFunctionBegin;
  PetscCall(PetscTime(&now));
  *limits = (Limits){.target = target, .divergence = ksp->divtol, .deadline = seconds > 0 ? now + seconds : 0};
  PetscCall(KSPSetConvergenceTest(ksp, LimitsTest, limits, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}
