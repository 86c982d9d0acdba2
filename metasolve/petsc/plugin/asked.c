/* asked.c - stand-ins for functions that hand out what a PC's set-up makes. */
#include "asked.h"

static const char *const names[ASKED] = {"PCBJacobiGetSubKSP_C",    "PCASMGetSubKSP_C",      "PCGASMGetSubKSP_C",
                                         "PCFieldSplitGetSubKSP_C", "PCTelescopeGetKSP_C",   "PCDeflationGetCoarseKSP_C",
                                         "PCMGGetLevels_C",         "PCGetInterpolations_C", "PCGetCoarseOperators_C"};
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
SOLVER(ASKED_TELESCOPE, PCTelescopeGetKSP_Deferred)
SOLVER(ASKED_DEFLATION, PCDeflationGetCoarseKSP_Deferred)
MATRICES(ASKED_INTERPOLATIONS, PCGetInterpolations_Deferred)
MATRICES(ASKED_OPERATORS, PCGetCoarseOperators_Deferred)

static PetscErrorCode PCFieldSplitGetSubKSP_Deferred(PC pc, PetscInt *n, KSP **ksp)
{
  ANSWER(ASKED_FIELDSPLIT, (PC, PetscInt *, KSP **), (pc, n, ksp))
}

static PetscErrorCode PCMGGetLevels_Deferred(PC pc, PetscInt *levels)
{
  ANSWER(ASKED_LEVELS, (PC, PetscInt *), (pc, levels))
}

static const Function answers[ASKED] = {(Function)PCBJacobiGetSubKSP_Deferred,  (Function)PCASMGetSubKSP_Deferred,
                                        (Function)PCGASMGetSubKSP_Deferred,     (Function)PCFieldSplitGetSubKSP_Deferred,
                                        (Function)PCTelescopeGetKSP_Deferred,   (Function)PCDeflationGetCoarseKSP_Deferred,
                                        (Function)PCMGGetLevels_Deferred,       (Function)PCGetInterpolations_Deferred,
                                        (Function)PCGetCoarseOperators_Deferred};

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
