/*
   inner.c - the inner KSP: a fresh one under a private prefix, with the settings a model chose, on the host's own operator.

   A bad setting must not abort the program: PETSc's errors are caught, and all ranks learn of one.
*/
#include "metasolve.h"
#include <string.h>

/* ---- options of the inner KSP, under a prefix nobody else has ---- */
static PetscErrorCode OptionsInsert(const char *prefix, const Settings *s)
{
  char key[160];

  PetscFunctionBegin;
  for (int i = 0; i < s->n; i++) {
    snprintf(key, sizeof key, "-%s%s", prefix, s->name[i]);
    PetscCall(PetscOptionsSetValue(NULL, key, s->value[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptionsClear(const char *prefix, const Settings *s, char unused[64])
{
  char      key[160];
  PetscBool used;

  PetscFunctionBegin;
  for (int i = 0; i < s->n; i++) {
    snprintf(key, sizeof key, "-%s%s", prefix, s->name[i]);
    PetscCall(PetscOptionsUsed(NULL, key + 1, &used));
    if (!used) snprintf(unused, 64, "%s", s->name[i]);
    PetscCall(PetscOptionsClearValue(NULL, key));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the inner solve ---- */
/* The same settings again, for new values in the same matrix: setting up the KSP there is does what a fresh one would, at a
   fraction of the cost, where the preconditioner keeps nothing but memory and what follows from the sparsity pattern. */
PetscErrorCode InnerReusable(KSP ksp, Host *h, PetscBool *yes)
{
  Mat A, before;
  PC  pc;

  PetscFunctionBegin;
  *yes = (PetscBool)(h->inner && SettingsSame(&h->decision.settings, &h->inner_settings));
  if (!*yes) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(KSPGetPC(h->inner, &pc));
  PetscCall(KSPGetOperators(h->inner, &before, NULL));
  PetscCall(KSPGetOperators(ksp, &A, NULL));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)pc, yes, PCNONE, PCJACOBI, PCPBJACOBI, PCSOR, PCILU, PCICC, PCBJACOBI, PCASM, ""));
  if (A != before) *yes = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(KSP ksp, Host *h)
{
  static int serial = 0;
  Mat        A;
  char       prefix[32];

  PetscFunctionBegin;
  PetscCall(KSPDestroy(&h->inner));
  PetscCall(KSPGetOperators(ksp, &A, NULL));
  PetscCall(KSPCreate(PetscObjectComm((PetscObject)ksp), &h->inner));
  snprintf(prefix, sizeof prefix, "metasolve%d_", serial++);
  PetscCall(KSPSetOptionsPrefix(h->inner, prefix));
  PetscCall(KSPSetOperators(h->inner, A, A));
  h->inner_settings = h->decision.settings;
  PetscCall(OptionsInsert(prefix, &h->decision.settings));
  PetscCall(KSPSetNormType(h->inner, KSP_NORM_UNPRECONDITIONED));
  PetscCall(KSPSetFromOptions(h->inner));
  PetscCall(KSPSetErrorIfNotConverged(h->inner, PETSC_FALSE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUp(KSP ksp, Host *h, PetscBool reuse)
{
  Mat A;

  PetscFunctionBegin;
  PetscCall(KSPGetOperators(ksp, &A, NULL));
  if (reuse) PetscCall(KSPSetOperators(h->inner, A, A));
  else PetscCall(Create(ksp, h));
  PetscCall(KSPSetUp(h->inner));
  PetscCall(KSPSetUpOnBlocks(h->inner));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Solve(KSP ksp, Host *h, Limits *limits, PetscBool guess)
{
  PetscFunctionBegin;
  PetscCall(KSPSetTolerances(h->inner, ksp->rtol, ksp->abstol, ksp->divtol, ksp->max_it - ksp->its));
  PetscCall(KSPSetConvergenceTest(h->inner, LimitsTest, limits, NULL));
  PetscCall(KSPSetInitialGuessNonzero(h->inner, guess));
  PetscCall(KSPSolve(h->inner, ksp->vec_rhs, ksp->vec_sol));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Every rank ends up with the same answer to whether something went wrong. */
static PetscErrorCode Agree(KSP ksp, PetscErrorCode err, PetscBool *failed)
{
  int bad = err != 0;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &bad, 1, MPI_INT, MPI_MAX, PetscObjectComm((PetscObject)ksp)));
  *failed = (PetscBool)(bad != 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode InnerSetUp(KSP ksp, Host *h, PetscBool reuse, PetscBool *failed)
{
  PetscErrorCode err;

  PetscFunctionBegin;
  MetasolveDepth++;
  PetscCall(PetscPushErrorHandler(PetscIgnoreErrorHandler, NULL));
  err = SetUp(ksp, h, reuse);
  PetscCall(PetscPopErrorHandler());
  MetasolveDepth--;
  PetscCall(Agree(ksp, err, failed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode InnerSolve(KSP ksp, Host *h, Limits *limits, PetscBool guess, PetscBool *failed)
{
  PetscErrorCode err;

  PetscFunctionBegin;
  MetasolveDepth++;
  PetscCall(PetscPushErrorHandler(PetscIgnoreErrorHandler, NULL));
  err = Solve(ksp, h, limits, guess);
  PetscCall(PetscPopErrorHandler());
  MetasolveDepth--;
  PetscCall(Agree(ksp, err, failed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode InnerForgetOptions(Host *h, char unused[64])
{
  const char *prefix;

  PetscFunctionBegin;
  PetscCall(KSPGetOptionsPrefix(h->inner, &prefix));
  PetscCall(OptionsClear(prefix, &h->inner_settings, unused));
  PetscFunctionReturn(PETSC_SUCCESS);
}
