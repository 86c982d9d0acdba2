/* inner_solve.c - solved by the inner KSP; and how close an answer of it is. */
#include "inner.h"
#include "clock.h"
#include "quiet.h"
#include <string.h>

/* PETSc's BiCGStab with its preconditioner on the right adds the last guess that it had, also where it has none. */
static PetscErrorCode ForgetGuess(Inner *in)
{
  const char *type = ((PetscObject)in->ksp)->type_name;

  PetscFunctionBegin;
  if (in->guessed && !strcmp(type, KSPBCGS)) {
    PetscCall(KSPSetType(in->ksp, KSPPREONLY));
    PetscCall(KSPSetType(in->ksp, KSPBCGS));
    PetscCall(KSPSetUp(in->ksp));
  }
  in->guessed = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Solve(Inner *in, KSP host, Vec x, Limits *limits, PetscInt max_it, PetscBool guess)
{
  PetscFunctionBegin;
  if (guess) in->guessed = PETSC_TRUE;
  else PetscCall(ForgetGuess(in));
  PetscCall(KSPSetTolerances(in->ksp, host->rtol, host->abstol, host->divtol, max_it));
  PetscCall(KSPSetConvergenceTest(in->ksp, LimitsTest, limits, NULL));
  PetscCall(KSPSetInitialGuessNonzero(in->ksp, guess));
  PetscCall(KSPSolve(in->ksp, host->vec_rhs, x));
  ClockSolved(in->ksp);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A solve that ends in an error leaves the vectors it was given locked. */
static PetscErrorCode Unlock(Vec x, PetscInt before)
{
  PetscInt now;

  PetscFunctionBegin;
  (void)x;                                          /* a macro of nothing where PETSc was built without checks */
  PetscCall((PetscErrorCode)(VecLockGet(x, &now))); /* or a macro that sets it */
  for (; now > before; now--) PetscCall(VecLockReadPop(x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode InnerSolve(Inner *in, KSP host, Vec x, Limits *limits, PetscInt max_it, PetscBool guess, InnerState *state)
{
  PetscErrorCode err;
  OperatorMarks  marks;
  Quiet          quiet;
  PetscInt       locks;
  Mat            P;

  PetscFunctionBegin;
  PetscCall(KSPGetOperators(in->ksp, NULL, &P));
  PetscCall(OperatorKeep(P, INNER_PREFIX, &marks));
  PetscCall((PetscErrorCode)(VecLockGet(host->vec_rhs, &locks)));
  PetscCall(QuietBegin(&quiet));
  err = Solve(in, host, x, limits, max_it, guess);
  PetscCall(QuietEnd(&quiet));
  PetscCall(OperatorPutBack(&marks));
  if (err) PetscCall(Unlock(host->vec_rhs, locks));
  PetscCall(InnerAgree(host, err ? INNER_ERROR : INNER_OK, state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode InnerCloseness(Inner *in, KSP host, Vec r, PetscReal *part, InnerState *state)
{
  PetscErrorCode err;
  Quiet          quiet;

  PetscFunctionBegin;
  *part = 0;
  PetscCall(QuietBegin(&quiet));
  err = CloserAsk(in->ksp, host->vec_rhs, r, part);
  PetscCall(QuietEnd(&quiet));
  PetscCall(InnerAgree(host, err ? INNER_ERROR : INNER_OK, state));
  PetscFunctionReturn(PETSC_SUCCESS);
}
