/* deferred.c - the operations of a PC that are replaced while its set-up waits, and put back when it is done. */
#include "deferred.h"
#include <string.h>

int MetasolveDepth = 0;

typedef void (*Function)(void);
typedef enum { /* functions composed with a PC that hand out what only its set-up makes */
  ASKED_BJACOBI,
  ASKED_ASM,
  ASKED_GASM,
  ASKED_FIELDSPLIT,
  ASKED_TELESCOPE,
  ASKED_DEFLATION,
  ASKED_LEVELS,
  ASKED_INTERPOLATIONS,
  ASKED_OPERATORS,
  ASKED
} Asked;
static const char *const names[ASKED] = {"PCBJacobiGetSubKSP_C",   "PCASMGetSubKSP_C", "PCGASMGetSubKSP_C",      "PCFieldSplitGetSubKSP_C", "PCTelescopeGetKSP_C",
                                         "PCDeflationGetCoarseKSP_C", "PCMGGetLevels_C",  "PCGetInterpolations_C", "PCGetCoarseOperators_C"};

typedef enum {
  PC_OWN,     /* only its set-up is watched */
  PC_WAITING  /* its set-up waits, and so do the functions above */
} Waiting;
typedef struct { /* composed with the PC: goes with it */
  Waiting waiting;
  PetscErrorCode (*setup)(PC), (*setuponblocks)(PC), (*view)(PC, PetscViewer), (*getfactoredmatrix)(PC, Mat *);
  Function  asked[ASKED];
  PetscBool expected;    /* the next set-up is the one that KSPSetUp() asks for */
  PetscInt  setupcalled; /* of what really is set up */
  MatState  state;
} Deferred;

static PetscErrorCode Find(PC pc, Deferred **d)
{
  PetscContainer c;

  PetscFunctionBegin;
  *d = NULL;
  PetscCall(PetscObjectQuery((PetscObject)pc, "metasolve", (PetscObject *)&c));
  if (c) PetscCall(PetscContainerGetPointer(c, (void **)d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- what stands in for the PC's own ---- */
static PetscErrorCode Late(PC, Deferred *);

static PetscErrorCode PCSetUp_Deferred(PC pc)
{
  PetscErrorCode err = PETSC_SUCCESS;
  Deferred      *d;
  MatState       never;

  PetscFunctionBegin;
  PetscCall(Find(pc, &d));
  if (d->waiting == PC_WAITING && d->expected) {
    d->expected = PETSC_FALSE;
    never       = StateOf(pc);
    never.state = -1; /* so that the next PCSetUp() comes here again, whoever calls it */
    StateSet(pc, never);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (d->waiting == PC_WAITING) PetscCall(Late(pc, d));
  else {
    MetasolveDepth++;
    if (d->setup) err = d->setup(pc);
    MetasolveDepth--;
    PetscCall(err);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCSetUpOnBlocks_Deferred(PC pc)
{
  (void)pc;
  return PETSC_SUCCESS;
}

/* People are told; for any other viewer there is what there would have been. */
static PetscErrorCode PCView_Deferred(PC pc, PetscViewer viewer)
{
  PetscBool ascii;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)viewer, PETSCVIEWERASCII, &ascii));
  if (ascii) PetscCall(PetscViewerASCIIPrintf(viewer, "  not set up: metasolve solved with other settings (see its log)\n"));
  else {
    PetscCall(PCSetUpDeferred(pc));
    PetscTryTypeMethod(pc, view, viewer);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCFactorGetMatrix_Deferred(PC pc, Mat *mat)
{
  PetscFunctionBegin;
  PetscCall(PCSetUpDeferred(pc));
  PetscUseTypeMethod(pc, getfactoredmatrix, mat);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const Function answers[ASKED];

/* One for each place and signature: the set-up is done, which puts the PC's own function back, and that one answers. */
#define ANSWER(place, signature, given) \
  PetscErrorCode(*own) signature; \
  PetscFunctionBegin; \
  PetscCall(PCSetUpDeferred(pc)); \
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

static const Function answers[ASKED] = {(Function)PCBJacobiGetSubKSP_Deferred, (Function)PCASMGetSubKSP_Deferred,         (Function)PCGASMGetSubKSP_Deferred,
                                        (Function)PCFieldSplitGetSubKSP_Deferred, (Function)PCTelescopeGetKSP_Deferred,   (Function)PCDeflationGetCoarseKSP_Deferred,
                                        (Function)PCMGGetLevels_Deferred,      (Function)PCGetInterpolations_Deferred,    (Function)PCGetCoarseOperators_Deferred};

/* ---- exchanged, and put back ---- */
static PetscErrorCode ReplaceAsked(PC pc, Deferred *d)
{
  PetscBool mg;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCMG, &mg));
  for (int i = 0; i < ASKED; i++) {
    d->asked[i] = NULL;
    if (i == ASKED_LEVELS && mg) continue; /* the program has set the number itself */
    PetscCall(PetscObjectQueryFunction((PetscObject)pc, names[i], &d->asked[i]));
    if (d->asked[i]) PetscCall(PetscObjectComposeFunction((PetscObject)pc, names[i], answers[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PutBack(PC pc, Deferred *d)
{
  PetscFunctionBegin;
  for (int i = 0; i < ASKED; i++)
    if (d->asked[i]) PetscCall(PetscObjectComposeFunction((PetscObject)pc, names[i], d->asked[i]));
  pc->ops->setuponblocks     = d->setuponblocks;
  pc->ops->view              = d->view;
  pc->ops->getfactoredmatrix = d->getfactoredmatrix;
  d->waiting                 = PC_OWN;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Inside PCSetUp(), which has already noted the state of the matrix; the PC must find what it would have found without us. */
static PetscErrorCode Late(PC pc, Deferred *d)
{
  PetscErrorCode err = PETSC_SUCCESS;

  PetscFunctionBegin;
  PetscCall(PutBack(pc, d));
  if (pc->setupcalled) { /* otherwise the program has reset the PC */
    pc->flag = d->setupcalled && StateOf(pc).nonzerostate == d->state.nonzerostate ? SAME_NONZERO_PATTERN : DIFFERENT_NONZERO_PATTERN;
    SetUpCalledSet(pc, d->setupcalled);
  }
  MetasolveDepth++;
  if (d->setup) err = d->setup(pc);
  if (!err && pc->ops->setuponblocks) err = pc->ops->setuponblocks(pc);
  MetasolveDepth--;
  PetscCall(err);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DeferredDestroy(void *data)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(CONTEXT(data)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PCWatchSetUp(PC pc)
{
  PetscContainer c;
  Deferred      *d;

  PetscFunctionBegin;
  PetscCall(PetscNew(&d));
  d->setup = pc->ops->setup;
  PetscCall(PetscContainerCreate(PetscObjectComm((PetscObject)pc), &c));
  PetscCall(PetscContainerSetPointer(c, d));
  PetscCall(PetscContainerSetUserDestroy(c, DeferredDestroy));
  PetscCall(PetscObjectCompose((PetscObject)pc, "metasolve", (PetscObject)c)); /* in place of the one of another type */
  PetscCall(PetscContainerDestroy(&c));
  if (d->setup) pc->ops->setup = PCSetUp_Deferred;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* May its set-up wait, and is there anything that this would save? A factor by SuperLU_DIST cannot be destroyed unless it was made. */
static PetscErrorCode Due(PC pc, PetscBool *due)
{
  PetscObjectState state;
  PetscBool        factors, fragile = PETSC_FALSE;
  MatSolverType    package = NULL;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)pc, &factors, PCLU, PCCHOLESKY, PCILU, PCICC, ""));
  if (factors) PetscCall(PCFactorGetMatSolverType(pc, &package));
  if (package) PetscCall(PetscStrcmp(package, MATSOLVERSUPERLU_DIST, &fragile));
  PetscCall(PetscObjectStateGet((PetscObject)pc->pmat, &state));
  *due = (PetscBool)(!fragile && pc->ops->setup && !pc->reusepreconditioner && !(pc->setupcalled && StateOf(pc).state == state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PCDefer(PC pc)
{
  Deferred *d;
  PetscBool due = PETSC_FALSE;

  PetscFunctionBegin;
  if (!((PetscObject)pc)->type_name) PetscCall(PCSetFromOptions(pc)); /* PCSetUp() would have chosen the default type */
  PetscCall(Find(pc, &d));
  if (!d || (d->waiting == PC_OWN && pc->ops->setup && pc->ops->setup != PCSetUp_Deferred)) {
    PetscCall(PCWatchSetUp(pc));
    PetscCall(Find(pc, &d));
  }
  PetscCall(Due(pc, &due));
  if (!due) PetscFunctionReturn(PETSC_SUCCESS);
  d->expected = PETSC_TRUE;
  if (d->waiting == PC_WAITING) PetscFunctionReturn(PETSC_SUCCESS);
  d->waiting                 = PC_WAITING;
  d->setupcalled             = pc->setupcalled;
  d->state                   = StateOf(pc);
  d->setuponblocks           = pc->ops->setuponblocks;
  d->view                    = pc->ops->view;
  d->getfactoredmatrix       = pc->ops->getfactoredmatrix;
  pc->ops->view              = PCView_Deferred;
  if (d->setuponblocks) pc->ops->setuponblocks = PCSetUpOnBlocks_Deferred;
  if (d->getfactoredmatrix) pc->ops->getfactoredmatrix = PCFactorGetMatrix_Deferred;
  PetscCall(ReplaceAsked(pc, d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PCDeferred(PC pc, PetscBool *waits)
{
  Deferred *d;

  PetscFunctionBegin;
  PetscCall(Find(pc, &d));
  *waits = (PetscBool)(d && d->waiting == PC_WAITING && pc->ops->setup == PCSetUp_Deferred);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PCSetUpDeferred(PC pc)
{
  const PetscBool reuse = pc->reusepreconditioner;
  PetscErrorCode  err;
  PetscBool       waits;
  Deferred       *d;

  PetscFunctionBegin;
  PetscCall(PCDeferred(pc, &waits));
  if (!waits) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Find(pc, &d));
  d->expected             = PETSC_FALSE;
  pc->reusepreconditioner = PETSC_FALSE; /* what there is to reuse is older than the program would have it */
  err                     = PCSetUp(pc);
  pc->reusepreconditioner = reuse;
  PetscCall(err);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PCUndefer(PC pc)
{
  PetscBool waits;
  Deferred *d;

  PetscFunctionBegin;
  PetscCall(PCDeferred(pc, &waits));
  PetscCall(Find(pc, &d));
  if (waits) {
    PetscCall(PutBack(pc, d));
    SetUpCalledSet(pc, d->setupcalled);
    StateSet(pc, d->state);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
