/* own.c - the program's own set-up and solve of a wrapped KSP. */
#include "own.h"
#include "clock.h"
#include "guard.h"

/* The KSP's own work space, which nobody needs while a model solves. */
PetscErrorCode OwnSetUp(KSP ksp, Host *h)
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

/* As KSPSetUp() and KSPSetUpOnBlocks() do it, timed; inner solvers are made and set up while MetasolveDepth > 0. */
PetscErrorCode OwnSetUpPC(KSP ksp, Host *h)
{
  PetscErrorCode err;
  PetscBool      waits;
  const double   before = ClockNow();

  PetscFunctionBegin;
  PetscCall(PCDeferred(ksp->pc, &waits));
  MetasolveDepth++;
  err = PCSetErrorIfFailure(ksp->pc, ksp->errorifnotconverged);
  if (!err) err = waits ? PCSetUpDeferred(ksp->pc) : PCSetUp(ksp->pc);
  if (!err) err = PCSetUpOnBlocks(ksp->pc);
  MetasolveDepth--;
  PetscCall(err);
  ClockSetUp(ksp->pc);
  h->setup += ClockNow() - before;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* PCApply() does it as well, where entries have changed in place and KSPSetUp() was not told. */
PetscErrorCode OwnSetUpIsDue(KSP ksp, PetscBool *due)
{
  const PC         pc = ksp->pc;
  PetscObjectState state;

  PetscFunctionBegin;
  PetscCall(PCDeferred(pc, due));
  if (*due || !pc->pmat || pc->reusepreconditioner) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscObjectStateGet((PetscObject)pc->pmat, &state));
  *due = (PetscBool) !(pc->setupcalled && StateOf(pc).state == state);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What KSPSetUp() would have made of a preconditioner that failed, had it been set up then. */
static PetscErrorCode LateReason(KSP ksp)
{
  PCFailedReason failed;

  PetscFunctionBegin;
  PetscCall(PCGetFailedReason(ksp->pc, &failed));
  if (failed) ksp->reason = KSP_DIVERGED_PC_FAILED;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUpAll(KSP ksp, Host *h)
{
  PetscBool due;

  PetscFunctionBegin;
  PetscCall(OwnSetUp(ksp, h));
  PetscCall(OwnSetUpIsDue(ksp, &due));
  if (due) {
    PetscCall(OwnSetUpPC(ksp, h));
    PetscCall(LateReason(ksp));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SolveOwn(KSP ksp, Host *h)
{
  PetscErrorCode err;

  PetscFunctionBegin;
  PetscCall(SetUpAll(ksp, h));
  h->answered = PETSC_FALSE;
  MetasolveDepth++;
  err = h->ksp_solve(ksp);
  MetasolveDepth--;
  PetscCall(err);
  ClockSolved(ksp);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Code of the host's, as if we were not there. */
static PetscErrorCode Unguarded(KSP ksp, Host *h, PetscErrorCode (*function)(KSP, Host *))
{
  PetscErrorCode err;
  int            lifted = GuardLift();

  PetscFunctionBegin;
  err = function(ksp, h);
  GuardSettle(lifted);
  PetscCall(err);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HostSetUpOwn(KSP ksp, Host *h)
{
  return Unguarded(ksp, h, SetUpAll);
}

PetscErrorCode HostSolveOwn(KSP ksp, Host *h)
{
  return Unguarded(ksp, h, SolveOwn);
}

PetscErrorCode HostSolveAside(KSP ksp, Host *h)
{
  return SolveOwn(ksp, h);
}

PetscErrorCode HostSolveTested(KSP ksp, Host *h, ConvergenceTest test, void *testing)
{
  PetscErrorCode err;

  PetscFunctionBegin;
  h->test        = ksp->converged;
  h->testing     = testing;
  ksp->converged = test;
  err            = HostSolveOwn(ksp, h);
  ksp->converged = h->test;
  PetscCall(err);
  PetscFunctionReturn(PETSC_SUCCESS);
}
