/* contract.c - the tolerance of the program's own convergence test, as a bound on the true residual. */
#include "contract.h"
#include <math.h>
#include <petsc/private/vecimpl.h>

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

/* *why is left as it is where a model may act on this KSP. */
PetscErrorCode ContractRead(KSP ksp, Why *why)
{
  const KSPConvergedDefaultCtx *c = (const KSPConvergedDefaultCtx *)ksp->cnvP;

  PetscFunctionBegin;
  if (ksp->normtype == KSP_NORM_NONE) *why = WHY_NO_NORM;
  else if (ksp->converged != KSPConvergedDefault || !c) *why = WHY_OWN_TEST;
  else if (c->convmaxits) *why = WHY_COUNTS_ITERATIONS;
  else if (ScalesSystem(ksp)) *why = WHY_SCALED;
  else if (ksp->guess_knoll) *why = WHY_KNOLL;
  else if (ksp->calc_sings || ksp->calc_ritz) *why = WHY_SPECTRUM;
  else if (ksp->pc->ops->presolve) *why = WHY_TRANSFORMED;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ContractTarget(KSP ksp, Contract *c, Why *why)
{
  const KSPConvergedDefaultCtx *given     = (const KSPConvergedDefaultCtx *)ksp->cnvP;
  const PetscBool               initial   = (PetscBool)(!ksp->guess_zero && (given->initialrtol || given->mininitialrtol));
  PetscReal                     reference = 0, r0;

  PetscFunctionBegin;
  c->kind = ksp->normtype == KSP_NORM_UNPRECONDITIONED ? CONTRACT_UNPRECONDITIONED : CONTRACT_PRECONDITIONED;
  PetscCall(NormOf(ksp->vec_rhs, &c->bnorm));
  if (!isfinite(c->bnorm)) *why = WHY_NOT_FINITE;
  else if (!PetscIsNormalReal(c->bnorm)) *why = WHY_ZERO;
  if (*why) PetscFunctionReturn(PETSC_SUCCESS);
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
