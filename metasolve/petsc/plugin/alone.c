/*
   alone.c - an inner solver without anything of the program's: matrices and vectors are let go, the preconditioner stays.

   A factor needs no matrix any more, and hypre has a copy of its own. GAMG smooths with the matrix on its finest level: there the
   next one takes its place. All other preconditioners are not kept without the matrix that they were made of.
*/
#include "inner.h"
#include "quiet.h"
#include <petsc/private/pcmgimpl.h>
#include <string.h>

/* ---- GAMG ---- */
static PC_MG_Levels *Finest(PC pc)
{
  const PC_MG *mg = (const PC_MG *)pc->data;

  return mg->levels[mg->nlevels - 1];
}

/* Smoothers that work on the matrix itself. */
static PetscErrorCode Smooths(KSP ksp, PetscBool *yes)
{
  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)ksp->pc, yes, PCNONE, PCJACOBI, PCPBJACOBI, PCSOR, ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode LevelsMay(PC pc, PetscBool *yes)
{
  const PC_MG *mg = (const PC_MG *)pc->data;
  PetscBool    up;

  PetscFunctionBegin;
  *yes = PETSC_FALSE;
  if (mg->nlevels < 2) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Smooths(Finest(pc)->smoothd, yes));
  PetscCall(Smooths(Finest(pc)->smoothu, &up));
  *yes = (PetscBool)(*yes && up && !Finest(pc)->cr);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a coarse matrix was multiplied from, it knows as well. */
static PetscErrorCode LevelsLetGo(PC pc)
{
  const PC_MG  *mg = (const PC_MG *)pc->data;
  PC_MG_Levels *l  = Finest(pc);
  Mat           coarse;

  PetscFunctionBegin;
  PetscCall(KSPReset(l->smoothd));
  PetscCall(KSPReset(l->smoothu));
  PetscCall(MatDestroy(&l->A));
  PetscCall(KSPGetOperators(mg->levels[mg->nlevels - 2]->smoothd, NULL, &coarse));
  PetscCall(MatProductClear(coarse));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode LevelsTakeUp(PC pc, Mat A, Mat P)
{
  PC_MG_Levels *l = Finest(pc);

  PetscFunctionBegin;
  PetscCall(KSPSetOperators(l->smoothd, A, P));
  PetscCall(KSPSetOperators(l->smoothu, A, P));
  PetscCall(PCMGSetResidual(pc, l->level, l->residual, A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- any ---- */
static PetscErrorCode Multigrid(PC pc, PetscBool *yes)
{
  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCGAMG, yes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Packages other than these two may look at the matrix again when they solve. */
static PetscErrorCode FactorMay(PC pc, PetscBool *yes)
{
  MatSolverType package = NULL;

  PetscFunctionBegin;
  PetscCall(PCFactorGetMatSolverType(pc, &package));
  *yes = (PetscBool)(package && (!strcmp(package, MATSOLVERPETSC) || !strcmp(package, MATSOLVERMUMPS)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode May(PC pc, PetscBool *yes)
{
  PetscBool factor, levels;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCHYPRE, yes));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)pc, &factor, PCLU, PCCHOLESKY, PCILU, PCICC, ""));
  if (factor) PetscCall(FactorMay(pc, yes));
  PetscCall(Multigrid(pc, &levels));
  if (levels) PetscCall(LevelsMay(pc, yes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All of KSPReset(), but for the preconditioner. */
static PetscErrorCode Reset(KSP ksp)
{
  const PC       pc = ksp->pc;
  PetscErrorCode err;

  PetscFunctionBegin;
  ksp->pc = NULL;
  err     = KSPReset(ksp);
  ksp->pc = pc;
  PetscCall(err);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode LetGo(Inner *in, PetscBool *may)
{
  const PC  pc = in->ksp->pc;
  PetscBool levels;

  PetscFunctionBegin;
  PetscCall(May(pc, may));
  if (!*may) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Multigrid(pc, &levels));
  if (levels) PetscCall(LevelsLetGo(pc));
  PetscCall(Reset(in->ksp));
  PetscCall(PCSetOperators(pc, NULL, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TakeUp(Inner *in, const Operator *o)
{
  PetscBool levels;
  Mat       A, P;

  PetscFunctionBegin;
  OperatorsFor(o, &in->settings, &A, &P);
  PetscCall(KSPSetReusePreconditioner(in->ksp, PETSC_TRUE));
  PetscCall(KSPSetOperators(in->ksp, A, P));
  PetscCall(Multigrid(in->ksp->pc, &levels));
  if (levels) PetscCall(LevelsTakeUp(in->ksp->pc, A, P));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What has met an error is left where it is. */
PetscErrorCode InnerLetGo(Inner *in, PetscBool *alone)
{
  PetscErrorCode err;
  Quiet          quiet;

  PetscFunctionBegin;
  PetscCall(QuietBegin(&quiet));
  err = LetGo(in, alone);
  PetscCall(QuietEnd(&quiet));
  if (err) in->ksp = NULL;
  if (err) *alone = PETSC_FALSE;
  in->op.A = in->op.given = in->op.P = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode InnerTakeUp(Inner *in, KSP host, const Operator *o, InnerState *state)
{
  PetscErrorCode err;
  Quiet          quiet;

  PetscFunctionBegin;
  PetscCall(QuietBegin(&quiet));
  err = TakeUp(in, o);
  PetscCall(QuietEnd(&quiet));
  in->anew = PETSC_TRUE; /* what was let go is missing where it would be updated */
  PetscCall(InnerAgree(host, err ? INNER_ERROR : INNER_OK, state));
  PetscFunctionReturn(PETSC_SUCCESS);
}
