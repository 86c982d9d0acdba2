/* contract.c - the tolerance of the program's own convergence test, as a bound on the true residual. */
#define _GNU_SOURCE
#include "contract.h"
#include "guard.h"
#include <dlfcn.h>
#include <math.h>
#include <petsc/private/vecimpl.h>
#include <string.h>

typedef PetscErrorCode (*ConvergedTest)(KSP, PetscInt, PetscReal, KSPConvergedReason *, void *);

PetscErrorCode NormOf(Vec x, PetscReal *norm)
{
  PetscFunctionBegin;
  PetscUseTypeMethod(x, norm, NORM_2, norm);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TrueResidual(KSP ksp, Vec work, PetscReal *norm)
{
  Mat A;
  Vec r = work;

  PetscFunctionBegin;
  PetscCall(KSPGetOperators(ksp, &A, NULL));
  if (!work) PetscCall(VecDuplicate(ksp->vec_rhs, &r));
  PetscCall(MatMult(A, ksp->vec_sol, r));
  PetscCall(VecAYPX(r, -1, ksp->vec_rhs));
  PetscCall(NormOf(r, norm));
  if (!work) PetscCall(VecDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A test of the program's, not one of PETSc's own: those of trust regions look at the step as well. */
static PetscBool IsTheirs(ConvergedTest test)
{
  Dl_info     info;
  const char *name;

  if (!dladdr((void *)(uintptr_t)test, &info) || !info.dli_fname) return PETSC_FALSE;
  name = strrchr(info.dli_fname, '/');
  name = name ? name + 1 : info.dli_fname;
  return (PetscBool)(strncmp(name, "libpetsc", 8) && strncmp(name, "libslepc", 8));
}

PetscErrorCode ContractAsk(void *asked, PetscInt it, PetscReal norm, KSPConvergedReason *reason)
{
  KSP            ksp    = (KSP)asked;
  int            lifted = GuardLift();
  PetscErrorCode err;

  PetscFunctionBegin;
  ksp->its   = it;
  ksp->rnorm = norm;
  *reason    = KSP_CONVERGED_ITERATING;
  err        = (*ksp->converged)(ksp, it, norm, reason, ksp->cnvP);
  GuardSettle(lifted);
  PetscCall(err);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* *why is left as it is where a model may act on this KSP. */
PetscErrorCode ContractRead(KSP ksp, Why *why)
{
  const PetscBool               own = (PetscBool)(ksp->converged != KSPConvergedDefault);
  const KSPConvergedDefaultCtx *c   = own ? NULL : (const KSPConvergedDefaultCtx *)ksp->cnvP;

  PetscFunctionBegin;
  if (ksp->normtype == KSP_NORM_NONE) *why = WHY_NO_NORM;
  else if (own ? !IsTheirs(ksp->converged) : !c) *why = WHY_OWN_TEST;
  else if (c && c->convmaxits) *why = WHY_COUNTS_ITERATIONS;
  else if (ScalesSystem(ksp)) *why = WHY_SCALED;
  else if (ksp->guess_knoll) *why = WHY_KNOLL;
  else if (ksp->calc_sings || ksp->calc_ritz) *why = WHY_SPECTRUM;
  else if (ksp->pc->ops->presolve) *why = WHY_TRANSFORMED;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ContractTarget(KSP ksp, Contract *c, Why *why)
{
  const PetscBool               own       = (PetscBool)(ksp->converged != KSPConvergedDefault);
  const KSPConvergedDefaultCtx *given     = own ? NULL : (const KSPConvergedDefaultCtx *)ksp->cnvP;
  const PetscBool               initial   = (PetscBool)(given && !ksp->guess_zero && (given->initialrtol || given->mininitialrtol));
  PetscReal                     reference = 0, r0;

  PetscFunctionBegin;
  c->kind = own                                        ? CONTRACT_OWN_TEST
          : ksp->normtype == KSP_NORM_UNPRECONDITIONED ? CONTRACT_UNPRECONDITIONED
                                                       : CONTRACT_PRECONDITIONED;
  PetscCall(NormOf(ksp->vec_rhs, &c->bnorm));
  if (!isfinite(c->bnorm)) *why = WHY_NOT_FINITE;
  else if (!PetscIsNormalReal(c->bnorm)) *why = WHY_ZERO;
  c->target = 0;
  if (*why || own) PetscFunctionReturn(PETSC_SUCCESS);
  reference = c->bnorm;
  if (initial) {
    PetscCall(TrueResidual(ksp, NULL, &r0));
    reference = given->initialrtol ? r0 : fmin(r0, c->bnorm);
  }
  c->target = ksp->rtol * reference;
  if (c->kind == CONTRACT_UNPRECONDITIONED) c->target = fmax(c->target, ksp->abstol);
  if (!isfinite(c->target)) *why = WHY_NOT_FINITE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool ContractMet(const Contract *c, PetscReal residual)
{
  return (PetscBool)islessequal(residual, c->target);
}
