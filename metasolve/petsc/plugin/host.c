/*
   host.c - a wrapped KSP: the host's own object, with its setup and solve operations replaced.

   Whatever happens here, the host's solve stays possible: its operations are kept, and its preconditioner, whose set-up
   is deferred while a model decides, can be set up at any time as if nothing had been there (HostSolveOwn).
   PETSc calls setup before PCSetUp(), and solve with the operator, right-hand side and guess in place.
*/
#include "metasolve.h"

int MetasolveDepth = 0;

PetscErrorCode HostFind(KSP ksp, Host **host)
{
  PetscContainer c;

  PetscFunctionBegin;
  *host = NULL;
  PetscCall(PetscObjectQuery((PetscObject)ksp, "metasolve", (PetscObject *)&c));
  if (c) PetscCall(PetscContainerGetPointer(c, (void **)host));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the host's preconditioner: deferred, viewed while deferred, brought back ---- */
static PetscErrorCode NoSetUp(PC pc)
{
  (void)pc;
  return PETSC_SUCCESS;
}

static PetscErrorCode ViewDeferred(PC pc, PetscViewer viewer)
{
  PetscFunctionBegin;
  (void)pc;
  PetscCall(PetscViewerASCIIPrintf(viewer, "  not set up: metasolve solved with other settings (see its log)\n"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HostDefer(KSP ksp, Host *h)
{
  PC pc;

  PetscFunctionBegin;
  PetscCall(KSPGetPC(ksp, &pc));
  if (!((PetscObject)pc)->type_name) PetscCall(PCSetFromOptions(pc)); /* PCSetUp() would have chosen the default type */
  if (h->pc == pc && pc->ops->setup == NoSetUp) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscObjectReference((PetscObject)pc));
  PetscCall(PCDestroy(&h->pc));
  h->pc               = pc;
  h->pc_setup         = pc->ops->setup;
  h->pc_setuponblocks = pc->ops->setuponblocks;
  h->pc_view          = pc->ops->view;
  h->pc_setupcalled   = pc->setupcalled ? PETSC_TRUE : PETSC_FALSE;
  h->pc_state         = StateOf(pc);
  pc->ops->setup      = NoSetUp;
  pc->ops->view       = ViewDeferred;
  if (h->pc_setuponblocks) pc->ops->setuponblocks = NoSetUp;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The PC is again what it was before HostDefer(), as far as PCSetUp() can tell. */
static PetscErrorCode Restore(Host *h)
{
  PC pc = h->pc;

  PetscFunctionBegin;
  if (!pc) PetscFunctionReturn(PETSC_SUCCESS);
  if (pc->ops->setup == NoSetUp) { /* otherwise the host changed its type meanwhile: nothing of ours is left in it */
    pc->ops->setup         = h->pc_setup;
    pc->ops->setuponblocks = h->pc_setuponblocks;
    pc->ops->view          = h->pc_view;
    pc->setupcalled        = h->pc_setupcalled;
    StateSet(pc, h->pc_state);
  }
  PetscCall(PCDestroy(&h->pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Inner solvers must be made and set up while MetasolveDepth > 0, or they would be taken for outermost ones. */
static PetscErrorCode SetUpPC(KSP ksp, Host *h)
{
  PetscErrorCode err;
  PetscLogDouble t0, t1;

  PetscFunctionBegin;
  PetscCall(PetscTime(&t0));
  MetasolveDepth++;
  err = PCSetErrorIfFailure(ksp->pc, ksp->errorifnotconverged);
  if (!err) err = PCSetUp(ksp->pc);
  if (!err) err = PCSetUpOnBlocks(ksp->pc);
  MetasolveDepth--;
  PetscCall(PetscTime(&t1));
  h->setup_seconds += t1 - t0;
  PetscCall(err);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The host's own work space, which nobody needs while a model solves. */
static PetscErrorCode SetUpOwn(KSP ksp, Host *h)
{
  PetscErrorCode err = PETSC_SUCCESS;

  PetscFunctionBegin;
  if (!h->setup_due) PetscFunctionReturn(PETSC_SUCCESS);
  MetasolveDepth++;
  if (h->ksp_setup) err = h->ksp_setup(ksp);
  MetasolveDepth--;
  PetscCall(err);
  h->setup_due = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HostSolveOwn(KSP ksp, Host *h)
{
  PetscErrorCode err;

  PetscFunctionBegin;
  PetscCall(SetUpOwn(ksp, h));
  if (h->pc) {
    PC        pc    = h->pc;
    PetscBool reuse = pc->reusepreconditioner;
    PetscCall(Restore(h));
    if (pc == ksp->pc) {
      pc->reusepreconditioner = PETSC_FALSE; /* what there is to reuse is older than the host would have it */
      PetscCall(SetUpPC(ksp, h));
      pc->reusepreconditioner = reuse;
    }
  }
  MetasolveDepth++;
  err = h->ksp_solve(ksp);
  MetasolveDepth--;
  PetscCall(err);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same under another convergence test, which may ask h->test, the host's own. */
PetscErrorCode HostSolveTested(KSP ksp, Host *h, ConvergenceTest test)
{
  PetscErrorCode err;

  PetscFunctionBegin;
  h->test        = ksp->converged;
  ksp->converged = test;
  err            = HostSolveOwn(ksp, h);
  ksp->converged = h->test;
  PetscCall(err);
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
  PetscCall(VecNorm(r, NORM_2, norm));
  if (!work) PetscCall(VecDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the replaced operations ---- */
static PetscBool Selected(KSP ksp, const Session *s)
{
  const char *prefix = ((PetscObject)ksp)->prefix;

  return (PetscBool)(s->any_prefix || !strcmp(prefix ? prefix : "", s->prefix));
}

static PetscErrorCode SetUp(KSP ksp)
{
  Host     *h;
  PetscBool may;

  PetscFunctionBegin;
  PetscCall(HostFind(ksp, &h));
  if (ksp->setupstage == KSP_SETUP_NEW || h->setupnewmatrix) h->setup_due = PETSC_TRUE;
  if (MetasolveDepth || !Selected(ksp, h->session)) {
    PetscCall(SetUpOwn(ksp, h));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  ksp->setupnewmatrix = PETSC_TRUE; /* call us again for a new operator */
  h->setup_seconds    = 0;
  PetscCall(KSPGetPC(ksp, &ksp->pc));
  if (!ksp->vec_rhs) h->asked = PETSC_TRUE;
  if (h->session->mode == MODE_RUN && !h->asked) {
    PetscCall(RunMayAct(ksp, h, &may));
    if (may) {
      PetscCall(HostDefer(ksp, h));
      PetscFunctionReturn(PETSC_SUCCESS);
    }
  }
  PetscCall(SetUpOwn(ksp, h));
  PetscCall(Restore(h));
  if (!ScalesSystem(ksp)) PetscCall(SetUpPC(ksp, h)); /* a diagonally scaled operator is scaled only after us */
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Solve(KSP ksp)
{
  Host *h;

  PetscFunctionBegin;
  PetscCall(HostFind(ksp, &h));
  if (MetasolveDepth || !Selected(ksp, h->session) || ksp->transpose_solve) PetscCall(HostSolveOwn(ksp, h));
  else if (h->session->mode == MODE_RUN) PetscCall(RunSolve(ksp, h));
  else PetscCall(RecordSolve(ksp, h));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Drop(void *data)
{
  Host *h = (Host *)CONTEXT(data);

  PetscFunctionBegin;
  PetscCall(Restore(h));
  PetscCall(KSPDestroy(&h->inner));
  PetscCall(PreviousFree(&h->previous));
  TextFree(&h->last);
  if (!--h->session->references) {
    PolicyFree(h->session->policy);
    NewtonGuessFree(h->session->newton);
    PetscCall(PetscFree(h->session));
  }
  PetscCall(PetscFree(h));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HostWrap(KSP ksp, Session *session)
{
  Host          *h;
  PetscContainer c;

  PetscFunctionBegin;
  PetscCall(PetscNew(&h));
  h->session        = session;
  h->ksp_setup      = ksp->ops->setup;
  h->ksp_solve      = ksp->ops->solve;
  h->setupnewmatrix = ksp->setupnewmatrix;
  session->references++;
  PetscCall(PetscContainerCreate(PetscObjectComm((PetscObject)ksp), &c));
  PetscCall(PetscContainerSetPointer(c, h));
  PetscCall(PetscContainerSetUserDestroy(c, Drop));
  PetscCall(PetscObjectCompose((PetscObject)ksp, "metasolve", (PetscObject)c)); /* replaces, and so drops, an earlier one */
  PetscCall(PetscContainerDestroy(&c));
  ksp->ops->setup = SetUp;
  ksp->ops->solve = Solve;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HostUnwrap(KSP ksp)
{
  Host *h;

  PetscFunctionBegin;
  PetscCall(HostFind(ksp, &h));
  if (!h) PetscFunctionReturn(PETSC_SUCCESS);
  if (ksp->ops->solve == Solve) {
    ksp->ops->setup     = h->ksp_setup;
    ksp->ops->solve     = h->ksp_solve;
    ksp->setupnewmatrix = h->setupnewmatrix;
  }
  PetscBool deferred = (PetscBool)(h->pc != NULL), due = h->setup_due;
  PetscCall(PetscObjectCompose((PetscObject)ksp, "metasolve", NULL));
  if (deferred && ksp->setupstage == KSP_SETUP_NEWRHS) ksp->setupstage = KSP_SETUP_NEWMATRIX; /* so PCSetUp() runs before the next solve */
  if (due) ksp->setupstage = KSP_SETUP_NEW;
  PetscFunctionReturn(PETSC_SUCCESS);
}
