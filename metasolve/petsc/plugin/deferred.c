/* deferred.c - the operations of a PC that are replaced while its set-up waits, and put back when it is done. */
#include "deferred.h"
#include "applied.h"
#include "asked.h"
#include "due.h"
#include "unread.h"
#include <string.h>

typedef enum {
  PC_OWN,    /* only its set-up is watched */
  PC_WAITING /* its set-up waits, and so do the functions above */
} Waiting;
typedef struct { /* composed with the PC: goes with it */
  Waiting waiting;
  PetscErrorCode (*setup)(PC), (*setuponblocks)(PC), (*reset)(PC), (*view)(PC, PetscViewer), (*getfactoredmatrix)(PC, Mat *);
  Asked     asked;
  Applied   applied;
  Unread    unread;
  PetscBool bare;        /* the first PCSetUp() may wait, too, though nobody knows yet for which KSP it is */
  PetscBool wanted;      /* the program has asked for the factor: it keeps its own */
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

/* Of a PC that is watched. */
#define DEFERRED_OF(pc, d) \
  do { \
    PetscCall(Find((pc), &(d))); \
    if (!(d)) PetscFunctionReturn(PETSC_ERR_PLIB); \
  } while (0)

/* ---- what stands in for the PC's own ---- */
static PetscErrorCode Late(PC, Deferred *);
static PetscErrorCode Bare(PC, Deferred *);

static PetscErrorCode PCSetUp_Deferred(PC pc)
{
  PetscErrorCode err = PETSC_SUCCESS;
  Deferred      *d;
  MatState       never;

  PetscFunctionBegin;
  DEFERRED_OF(pc, d);
  if (d->waiting == PC_OWN && d->bare && !MetasolveDepth) PetscCall(Bare(pc, d));
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

/* What was set up is gone. */
static PetscErrorCode PCReset_Deferred(PC pc)
{
  Deferred *d;

  PetscFunctionBegin;
  DEFERRED_OF(pc, d);
  d->setupcalled = 0;
  if (d->reset) PetscCall(d->reset(pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* People are told; for any other viewer there is what there would have been. */
static PetscErrorCode PCView_Deferred(PC pc, PetscViewer viewer)
{
  PetscBool ascii;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)viewer, PETSCVIEWERASCII, &ascii));
  if (ascii)
    PetscCall(PetscViewerASCIIPrintf(viewer, "  not set up so far: metasolve may solve with other settings (see its log)\n"));
  else {
    PetscCall(PCSetUpDeferred(pc));
    PetscTryTypeMethod(pc, view, viewer);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PCFactorGetMatrix_Deferred(PC pc, Mat *mat)
{
  Deferred *d;

  PetscFunctionBegin;
  DEFERRED_OF(pc, d);
  if (!MetasolveDepth) d->wanted = PETSC_TRUE;
  PetscCall(PCSetUpDeferred(pc));
  PetscCall(d->getfactoredmatrix(pc, mat));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- exchanged, and put back ---- */
static PetscErrorCode PutBack(PC pc, Deferred *d)
{
  PetscFunctionBegin;
  PetscCall(AskedPutBack(pc, &d->asked));
  AppliedPutBack(pc, &d->applied);
  pc->ops->setuponblocks = d->setuponblocks;
  pc->ops->reset         = d->reset;
  pc->ops->view          = d->view;
  d->waiting             = PC_OWN;
  UnreadDrop(&d->unread);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Inside PCSetUp(), which has already noted the state of the matrix; the PC must find what it would have found without us. */
static PetscErrorCode Late(PC pc, Deferred *d)
{
  PetscErrorCode err = PETSC_SUCCESS;

  PetscFunctionBegin;
  PetscCall(PutBack(pc, d));
  pc->flag = d->setupcalled && StateOf(pc).nonzerostate == d->state.nonzerostate ? SAME_NONZERO_PATTERN : DIFFERENT_NONZERO_PATTERN;
  SetUpCalledSet(pc, d->setupcalled);
  MetasolveDepth++;
  if (d->setup) err = d->setup(pc);
  if (!err && pc->ops->setuponblocks) err = pc->ops->setuponblocks(pc);
  MetasolveDepth--;
  PetscCall(err);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DeferredDestroy(void *data)
{
  Deferred *d = (Deferred *)CONTEXT(data);

  PetscFunctionBegin;
  PetscCall(UnreadAsk(&d->unread));
  PetscCall(PetscFree(d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PCWatchSetUp(PC pc, PetscBool bare)
{
  PetscContainer c;
  Deferred      *d, *before;

  PetscFunctionBegin;
  PetscCall(Find(pc, &before));
  PetscCall(PetscNew(&d));
  d->bare              = bare;
  d->setup             = pc->ops->setup;
  d->getfactoredmatrix = pc->ops->getfactoredmatrix;
  if (before && d->getfactoredmatrix == PCFactorGetMatrix_Deferred) d->getfactoredmatrix = before->getfactoredmatrix;
  PetscCall(PetscContainerCreate(PetscObjectComm((PetscObject)pc), &c));
  PetscCall(PetscContainerSetPointer(c, d));
  PetscCall(PetscContainerSetUserDestroy(c, DeferredDestroy));
  PetscCall(PetscObjectCompose((PetscObject)pc, "metasolve", (PetscObject)c)); /* in place of the one of another type */
  PetscCall(PetscContainerDestroy(&c));
  if (d->setup) pc->ops->setup = PCSetUp_Deferred;
  if (d->getfactoredmatrix) pc->ops->getfactoredmatrix = PCFactorGetMatrix_Deferred;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Wait(PC pc, Deferred *d)
{
  PetscFunctionBegin;
  d->waiting       = PC_WAITING;
  d->setupcalled   = pc->setupcalled;
  d->state         = StateOf(pc);
  d->setuponblocks = pc->ops->setuponblocks;
  d->view          = pc->ops->view;
  d->reset         = pc->ops->reset;
  pc->ops->reset   = PCReset_Deferred;
  pc->ops->view    = PCView_Deferred;
  if (d->setuponblocks) pc->ops->setuponblocks = PCSetUpOnBlocks_Deferred;
  PetscCall(AskedReplace(pc, &d->asked, PCSetUpDeferred));
  PetscCall(UnreadKeep(pc, &d->unread));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Inside the first PCSetUp() of a PC that may not have met its KSP yet. What prepares a system would come before any operation. */
static PetscErrorCode Bare(PC pc, Deferred *d)
{
  Due due = DUE_NOT;

  PetscFunctionBegin;
  if (!d->wanted && !pc->setupcalled && !PreSolves(pc)) PetscCall(DueOf(pc, PETSC_TRUE, PCSetUpDeferred, &due));
  if (due != DUE_LATER) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Wait(pc, d));
  AppliedReplace(pc, &d->applied, PCSetUpDeferred);
  d->expected = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PCDefer(PC pc)
{
  Deferred *d;
  Due       due = DUE_NOT;

  PetscFunctionBegin;
  if (!((PetscObject)pc)->type_name) PetscCall(PCSetFromOptions(pc)); /* PCSetUp() would have chosen the default type */
  PetscCall(Find(pc, &d));
  if (!d || (d->waiting == PC_OWN && pc->ops->setup && pc->ops->setup != PCSetUp_Deferred)) {
    PetscCall(PCWatchSetUp(pc, PETSC_FALSE));
    DEFERRED_OF(pc, d);
  }
  if (!d->wanted) PetscCall(DueOf(pc, PETSC_FALSE, PCSetUpDeferred, &due)); /* a factor that was asked for once will be again */
  if (due == DUE_NOW) PetscCall(PCUndefer(pc));
  if (due != DUE_LATER) PetscFunctionReturn(PETSC_SUCCESS);
  d->expected = PETSC_TRUE;
  if (d->waiting == PC_OWN) PetscCall(Wait(pc, d));
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

/* PCSetUp() has noted that there is a set-up, and with PCSetReusePreconditioner() it would leave it at that. */
PetscErrorCode PCDeferOpen(PC pc, PetscBool *waits)
{
  PetscFunctionBegin;
  PetscCall(PCDeferred(pc, waits));
  if (*waits) SetUpCalledSet(pc, PETSC_FALSE);
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
  DEFERRED_OF(pc, d);
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
  if (waits) {
    DEFERRED_OF(pc, d);
    PetscCall(PutBack(pc, d));
    SetUpCalledSet(pc, d->setupcalled);
    StateSet(pc, d->state);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
