/*
   alone.c - an inner solver without anything of the program's: matrices and vectors are let go, the preconditioner stays.

   A factor needs no matrix any more, hypre and ASM have copies of their own. Where blocks of the matrix are solved with, and where
   GAMG smooths with it on its finest level, the next one takes its place. Others are not kept without their matrix.
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

/* ---- factors ---- */
/* UMFPACK and SuperLU look at the matrix again when they solve. */
static PetscErrorCode FactorMay(PC pc, PetscBool *yes)
{
  static const char *const packages[] = {MATSOLVERPETSC, MATSOLVERMUMPS, MATSOLVERCHOLMOD, MATSOLVERKLU};
  MatSolverType            package    = NULL;

  PetscFunctionBegin;
  PetscCall(PCFactorGetMatSolverType(pc, &package));
  *yes = PETSC_FALSE;
  for (size_t i = 0; package && i < sizeof packages / sizeof *packages; i++)
    *yes = (PetscBool)(*yes || !strcmp(package, packages[i]));
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

/* ---- blocks ---- */
/* The one block of this rank, whose matrix is part of the program's. */
static PetscErrorCode Block(PC pc, KSP *block)
{
  PetscInt n;
  KSP     *blocks;

  PetscFunctionBegin;
  PetscCall(PCBJacobiGetSubKSP(pc, &n, NULL, &blocks));
  *block = n == 1 ? blocks[0] : NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BlockMay(PC pc, PetscBool *yes)
{
  KSP block;

  PetscFunctionBegin;
  PetscCall(Block(pc, &block));
  *yes = (PetscBool)(block != NULL);
  if (*yes) PetscCall(PetscObjectTypeCompareAny((PetscObject)block->pc, yes, PCLU, PCCHOLESKY, PCILU, PCICC, ""));
  if (*yes) PetscCall(FactorMay(block->pc, yes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BlockLetGo(PC pc)
{
  KSP block;

  PetscFunctionBegin;
  PetscCall(Block(pc, &block));
  PetscCall(Reset(block));
  PetscCall(PCSetOperators(block->pc, NULL, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BlockTakeUp(PC pc, Mat A, Mat P)
{
  KSP block;
  Mat part;

  PetscFunctionBegin;
  (void)A;
  PetscCall(Block(pc, &block));
  PetscCall(MatGetDiagonalBlock(P, &part));
  PetscCall(KSPSetReusePreconditioner(block, PETSC_TRUE));
  PetscCall(KSPSetOperators(block, part, part));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- any ---- */
static PetscErrorCode HoldsNothing(PC pc)
{
  (void)pc;
  return PETSC_SUCCESS;
}

static PetscErrorCode NeedsNothing(PC pc, Mat A, Mat P)
{
  (void)pc;
  (void)A;
  (void)P;
  return PETSC_SUCCESS;
}

static PetscErrorCode Always(PC pc, PetscBool *yes)
{
  (void)pc;
  *yes = PETSC_TRUE;
  return PETSC_SUCCESS;
}

typedef struct { /* beside the matrices that each PC has */
  const char *type;
  PetscErrorCode (*may)(PC, PetscBool *);
  PetscErrorCode (*letgo)(PC);
  PetscErrorCode (*takeup)(PC, Mat, Mat);
} Kind;
static const Kind kinds[] = {
  {PCLU,       FactorMay, HoldsNothing, NeedsNothing},
  {PCCHOLESKY, FactorMay, HoldsNothing, NeedsNothing},
  {PCILU,      FactorMay, HoldsNothing, NeedsNothing},
  {PCICC,      FactorMay, HoldsNothing, NeedsNothing},
  {PCHYPRE,    Always,    HoldsNothing, NeedsNothing},
  {PCASM,      Always,    HoldsNothing, NeedsNothing},
  {PCBJACOBI,  BlockMay,  BlockLetGo,   BlockTakeUp },
  {PCGAMG,     LevelsMay, LevelsLetGo,  LevelsTakeUp},
};

static const Kind *KindOf(PC pc)
{
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (!strcmp(kinds[i].type, ((PetscObject)pc)->type_name)) return &kinds[i];
  return NULL;
}

PetscErrorCode InnerMayLetGo(const Inner *in, PetscBool *may)
{
  const Kind *kind = KindOf(in->ksp->pc);

  PetscFunctionBegin;
  *may = PETSC_FALSE;
  if (kind) PetscCall(kind->may(in->ksp->pc, may));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode LetGo(Inner *in, PetscBool *alone)
{
  const PC    pc   = in->ksp->pc;
  const Kind *kind = KindOf(pc);

  PetscFunctionBegin;
  PetscCall(InnerMayLetGo(in, alone));
  if (!kind || !*alone) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(kind->letgo(pc));
  PetscCall(Reset(in->ksp));
  PetscCall(PCSetOperators(pc, NULL, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TakeUp(Inner *in, const Operator *o)
{
  const Kind *kind = KindOf(in->ksp->pc);
  Mat         A, P;

  PetscFunctionBegin;
  if (!kind) PetscFunctionReturn(PETSC_ERR_PLIB);
  OperatorsFor(o, &in->settings, &A, &P);
  PetscCall(KSPSetReusePreconditioner(in->ksp, PETSC_TRUE));
  PetscCall(KSPSetOperators(in->ksp, A, P));
  PetscCall(kind->takeup(in->ksp->pc, A, P));
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
