/*
   watch.c - the host's own solve, watched: where it seems to need far longer than the model's settings would, it is given up.

   Training chooses the patience.
*/
#include "watch.h"
#include "clock.h"
#include "guard.h"
#include <math.h>
#include <string.h>

/* Collective: the first rank's clock decides. */
static PetscErrorCode TooLong(KSP ksp, const Watch *w, double taken, double more, PetscBool *yes)
{
  int late = isgreater(more, w->patience) && !isless(taken, w->least);

  PetscFunctionBegin;
  PetscCallMPI(MPI_Bcast(&late, 1, MPI_INT, 0, PetscObjectComm((PetscObject)ksp)));
  *yes = (PetscBool)late;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Judge(KSP ksp, Watch *w, PetscInt it)
{
  const double taken = ClockProcessor() + ClockAhead(ksp, it) - w->began;
  double       more;

  PetscFunctionBegin;
  w->left = PaceLeft(&w->pace, ksp->ttol);
  more    = w->left * taken / (double)it;
  PetscCall(TooLong(ksp, w, taken, more, &w->given_up));
  if (!w->given_up || !w->look) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(w->look(ksp, w->context, &w->patience));
  w->look = NULL;
  if (!(w->patience > 0)) w->patience = INFINITY;
  PetscCall(TooLong(ksp, w, taken, more, &w->given_up));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the program's own test says, and whether this is a moment to look at how far the solve has come. */
static PetscErrorCode Look(KSP ksp, Watch *w, PetscInt it, PetscReal rnorm, KSPConvergedReason *reason)
{
  PetscBool moment;

  PetscFunctionBegin;
  if (it == 0) w->began = ClockProcessor();
  moment = PaceSee(&w->pace, it, rnorm);
  if (*reason || !moment) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Judge(ksp, w, it));
  if (w->given_up) *reason = KSP_DIVERGED_ITS;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Watched(KSP ksp, PetscInt it, PetscReal rnorm, KSPConvergedReason *reason, void *context)
{
  PetscErrorCode err;
  Host          *h;

  PetscFunctionBegin;
  PetscCall(HostFind(ksp, &h));
  PetscCall(h->test(ksp, it, rnorm, reason, context));
  GuardEnter();
  err = Look(ksp, (Watch *)h->testing, it, rnorm, reason);
  GuardLeave();
  PetscCall(err);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Richardson's method leaves its iterations to a preconditioner that makes them itself (multigrid, SOR), but only under PETSc's
   own test. Under another it would be a different solve, which stops on another norm. Only once it is set up a preconditioner says
   whether it does. */
static PetscErrorCode MayWatch(KSP ksp, Host *h, PetscBool *may)
{
  PetscBool itself = PETSC_FALSE;

  PetscFunctionBegin;
  if (!strcmp(((PetscObject)ksp)->type_name, KSPRICHARDSON)) {
    PetscCall(HostSetUpOwn(ksp, h));
    PetscCall(PCApplyRichardsonExists(ksp->pc, &itself));
  }
  *may = (PetscBool)!itself;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WatchSolve(KSP ksp, Host *h, Watch *w)
{
  PetscBool may = PETSC_FALSE;

  PetscFunctionBegin;
  if (w->patience > 0) PetscCall(MayWatch(ksp, h, &may));
  if (may) PetscCall(HostSolveTested(ksp, h, Watched, w));
  else PetscCall(HostSolveOwn(ksp, h));
  PetscFunctionReturn(PETSC_SUCCESS);
}
