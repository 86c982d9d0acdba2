/*
   closer.c - an answer to a program that stops on the norm of the preconditioned residual.

   Its residual may be as small as rtol asks for, and the error still be smooth and ten times that of the program's own answer: the
   more so where a method ends as soon as the residual dips (BiCGStab). A preconditioner weighs what is smooth more, so the program
   would have gone on. So do we, where our own preconditioner says so. Those that are nearly exact need not be asked, and cost most.
*/
#include "closer.h"
#include <string.h>

static const char *const weak[] = {PCILU, PCICC, PCSOR, PCJACOBI, PCBJACOBI, PCPBJACOBI, PCASM};

PetscBool CloserMay(KSP ksp)
{
  const char *type = ((PetscObject)ksp->pc)->type_name;

  for (size_t i = 0; i < sizeof weak / sizeof *weak; i++)
    if (!strcmp(type, weak[i])) return PETSC_TRUE;
  return PETSC_FALSE;
}

PetscErrorCode CloserAsk(KSP ksp, Vec b, Vec r, PetscReal *part)
{
  PetscReal of_b;
  Vec       z;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(b, &z));
  PetscCall(KSP_PCApply(ksp, b, z));
  PetscCall(NormOf(z, NORM_2, &of_b));
  PetscCall(KSP_PCApply(ksp, r, z));
  PetscCall(NormOf(z, NORM_2, part));
  PetscCall(VecDestroy(&z));
  *part = of_b > 0 ? *part / of_b : 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@C
  MetasolveCloser - Measures an answer in the norm that its solver's preconditioner gives

  Collective

  Input Parameters:
+ ksp - the solver, set up
. A   - the operator
. b   - the right-hand side
- x   - the answer

  Output Parameter:
. part - |M^-1 (b - A x)|_2 over |M^-1 b|_2; 0 where M is nearly the inverse of A, or costs much to apply

  Level: developer
@*/
PetscErrorCode MetasolveCloser(KSP ksp, Mat A, Vec b, Vec x, double *part)
{
  PetscReal value = 0;
  Vec       r;

  PetscFunctionBegin;
  if (CloserMay(ksp)) {
    PetscCall(VecDuplicate(b, &r));
    PetscCall(MatMult(A, x, r));
    PetscCall(VecAYPX(r, -1, b));
    PetscCall(CloserAsk(ksp, b, r, &value));
    PetscCall(VecDestroy(&r));
  }
  *part = value;
  PetscFunctionReturn(PETSC_SUCCESS);
}
