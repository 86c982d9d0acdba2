/* asked.c - stand-ins for functions that hand out what a PC's set-up makes. */
#include "asked.h"
#include <petscbt.h>

static const char *const names[ASKED] = {
  [ASKED_BJACOBI]             = "PCBJacobiGetSubKSP_C",
  [ASKED_ASM]                 = "PCASMGetSubKSP_C",
  [ASKED_GASM]                = "PCGASMGetSubKSP_C",
  [ASKED_LOCAL_BLOCKS]        = "PCBJacobiGetLocalBlocks_C",
  [ASKED_BLOCKS]              = "PCBJacobiGetTotalBlocks_C",
  [ASKED_FIELDSPLIT]          = "PCFieldSplitGetSubKSP_C",
  [ASKED_SCHUR]               = "PCFieldSplitSchurGetSubKSP_C",
  [ASKED_TELESCOPE]           = "PCTelescopeGetKSP_C",
  [ASKED_TELESCOPE_DM]        = "PCTelescopeGetDM_C",
  [ASKED_DEFLATION]           = "PCDeflationGetCoarseKSP_C",
  [ASKED_DEFLATION_PC]        = "PCDeflationGetPC_C",
  [ASKED_REDUNDANT]           = "PCRedundantGetKSP_C",
  [ASKED_REDUNDANT_OPERATORS] = "PCRedundantGetOperators_C",
  [ASKED_GALERKIN]            = "PCGalerkinGetKSP_C",
  [ASKED_KSP]                 = "PCKSPGetKSP_C",
  [ASKED_BJKOKKOS]            = "PCBJKOKKOSGetKSP_C",
  [ASKED_COMPOSITE]           = "PCCompositeGetPC_C",
  [ASKED_DIAGONAL]            = "PCJacobiGetDiagonal_C",
  [ASKED_MARKERS]             = "PCHYPREGetCFMarkers_C",
  [ASKED_LEVELS]              = "PCMGGetLevels_C",
  [ASKED_INTERPOLATIONS]      = "PCGetInterpolations_C",
  [ASKED_OPERATORS]           = "PCGetCoarseOperators_C",
};
static PetscErrorCode (*SetUpNow)(PC);
static const Function answers[ASKED];

/* One for each place and signature: the set-up is done, which puts the PC's own function back, and that one answers. */
#define ANSWER(place, signature, given) \
  PetscErrorCode(*own) signature; \
  PetscFunctionBegin; \
  PetscCall(SetUpNow(pc)); \
  PetscCall(PetscObjectQueryFunction((PetscObject)pc, names[place], &own)); \
  if (own && (Function)own != answers[place]) PetscCall((*own)given); \
  PetscFunctionReturn(PETSC_SUCCESS);
#define BLOCKS(place, function) \
  static PetscErrorCode function(PC pc, PetscInt *n, PetscInt *first, KSP **ksp) \
  { \
    ANSWER(place, (PC, PetscInt *, PetscInt *, KSP **), (pc, n, first, ksp)) \
  }
#define SPLITS(place, function) \
  static PetscErrorCode function(PC pc, PetscInt *n, KSP **ksp) \
  { \
    ANSWER(place, (PC, PetscInt *, KSP **), (pc, n, ksp)) \
  }
#define SIZES(place, function) \
  static PetscErrorCode function(PC pc, PetscInt *n, const PetscInt **sizes) \
  { \
    ANSWER(place, (PC, PetscInt *, const PetscInt **), (pc, n, sizes)) \
  }
#define SOLVER(place, function) \
  static PetscErrorCode function(PC pc, KSP *ksp) \
  { \
    ANSWER(place, (PC, KSP *), (pc, ksp)) \
  }
#define MATRICES(place, function) \
  static PetscErrorCode function(PC pc, PetscInt *n, Mat *mats[]) \
  { \
    ANSWER(place, (PC, PetscInt *, Mat *[]), (pc, n, mats)) \
  }
BLOCKS(ASKED_BJACOBI, PCBJacobiGetSubKSP_Deferred)
BLOCKS(ASKED_ASM, PCASMGetSubKSP_Deferred)
BLOCKS(ASKED_GASM, PCGASMGetSubKSP_Deferred)
SPLITS(ASKED_FIELDSPLIT, PCFieldSplitGetSubKSP_Deferred)
SPLITS(ASKED_SCHUR, PCFieldSplitSchurGetSubKSP_Deferred)
SIZES(ASKED_LOCAL_BLOCKS, PCBJacobiGetLocalBlocks_Deferred)
SIZES(ASKED_BLOCKS, PCBJacobiGetTotalBlocks_Deferred)
SOLVER(ASKED_TELESCOPE, PCTelescopeGetKSP_Deferred)
SOLVER(ASKED_DEFLATION, PCDeflationGetCoarseKSP_Deferred)
SOLVER(ASKED_REDUNDANT, PCRedundantGetKSP_Deferred)
SOLVER(ASKED_GALERKIN, PCGalerkinGetKSP_Deferred)
SOLVER(ASKED_KSP, PCKSPGetKSP_Deferred)
SOLVER(ASKED_BJKOKKOS, PCBJKOKKOSGetKSP_Deferred)
MATRICES(ASKED_INTERPOLATIONS, PCGetInterpolations_Deferred)
MATRICES(ASKED_OPERATORS, PCGetCoarseOperators_Deferred)

static PetscErrorCode PCTelescopeGetDM_Deferred(PC pc, DM *dm)
{
  ANSWER(ASKED_TELESCOPE_DM, (PC, DM *), (pc, dm))
}

static PetscErrorCode PCDeflationGetPC_Deferred(PC pc, PC *inner)
{
  ANSWER(ASKED_DEFLATION_PC, (PC, PC *), (pc, inner))
}

static PetscErrorCode PCCompositeGetPC_Deferred(PC pc, PetscInt n, PC *inner)
{
  ANSWER(ASKED_COMPOSITE, (PC, PetscInt, PC *), (pc, n, inner))
}

static PetscErrorCode PCRedundantGetOperators_Deferred(PC pc, Mat *A, Mat *P)
{
  ANSWER(ASKED_REDUNDANT_OPERATORS, (PC, Mat *, Mat *), (pc, A, P))
}

static PetscErrorCode PCJacobiGetDiagonal_Deferred(PC pc, Vec diagonal, Vec root)
{
  ANSWER(ASKED_DIAGONAL, (PC, Vec, Vec), (pc, diagonal, root))
}

static PetscErrorCode PCHYPREGetCFMarkers_Deferred(PC pc, PetscInt *n[], PetscBT *markers[])
{
  ANSWER(ASKED_MARKERS, (PC, PetscInt *[], PetscBT *[]), (pc, n, markers))
}

static PetscErrorCode PCMGGetLevels_Deferred(PC pc, PetscInt *levels)
{
  ANSWER(ASKED_LEVELS, (PC, PetscInt *), (pc, levels))
}

static const Function answers[ASKED] = {
  [ASKED_BJACOBI]             = (Function)PCBJacobiGetSubKSP_Deferred,
  [ASKED_ASM]                 = (Function)PCASMGetSubKSP_Deferred,
  [ASKED_GASM]                = (Function)PCGASMGetSubKSP_Deferred,
  [ASKED_FIELDSPLIT]          = (Function)PCFieldSplitGetSubKSP_Deferred,
  [ASKED_SCHUR]               = (Function)PCFieldSplitSchurGetSubKSP_Deferred,
  [ASKED_LOCAL_BLOCKS]        = (Function)PCBJacobiGetLocalBlocks_Deferred,
  [ASKED_BLOCKS]              = (Function)PCBJacobiGetTotalBlocks_Deferred,
  [ASKED_TELESCOPE]           = (Function)PCTelescopeGetKSP_Deferred,
  [ASKED_DEFLATION]           = (Function)PCDeflationGetCoarseKSP_Deferred,
  [ASKED_REDUNDANT]           = (Function)PCRedundantGetKSP_Deferred,
  [ASKED_GALERKIN]            = (Function)PCGalerkinGetKSP_Deferred,
  [ASKED_KSP]                 = (Function)PCKSPGetKSP_Deferred,
  [ASKED_BJKOKKOS]            = (Function)PCBJKOKKOSGetKSP_Deferred,
  [ASKED_INTERPOLATIONS]      = (Function)PCGetInterpolations_Deferred,
  [ASKED_OPERATORS]           = (Function)PCGetCoarseOperators_Deferred,
  [ASKED_TELESCOPE_DM]        = (Function)PCTelescopeGetDM_Deferred,
  [ASKED_DEFLATION_PC]        = (Function)PCDeflationGetPC_Deferred,
  [ASKED_COMPOSITE]           = (Function)PCCompositeGetPC_Deferred,
  [ASKED_REDUNDANT_OPERATORS] = (Function)PCRedundantGetOperators_Deferred,
  [ASKED_DIAGONAL]            = (Function)PCJacobiGetDiagonal_Deferred,
  [ASKED_MARKERS]             = (Function)PCHYPREGetCFMarkers_Deferred,
  [ASKED_LEVELS]              = (Function)PCMGGetLevels_Deferred,
};

PetscErrorCode AskedReplace(PC pc, Asked *a, PetscErrorCode (*setup)(PC))
{
  PetscBool mg;

  PetscFunctionBegin;
  SetUpNow = setup;
  PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCMG, &mg));
  for (int i = 0; i < ASKED; i++) {
    a->own[i] = NULL;
    if (i == ASKED_LEVELS && mg) continue; /* the program has set the number itself */
    PetscCall(PetscObjectQueryFunction((PetscObject)pc, names[i], &a->own[i]));
    if (a->own[i]) PetscCall(PetscObjectComposeFunction((PetscObject)pc, names[i], answers[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AskedPutBack(PC pc, const Asked *a)
{
  PetscFunctionBegin;
  for (int i = 0; i < ASKED; i++)
    if (a->own[i]) PetscCall(PetscObjectComposeFunction((PetscObject)pc, names[i], a->own[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}
