/*
   mirror.c - the program's KSP is told what happened in ours: solution, iterations, norm, reason, residual history, monitors.

   Which solve counted is known afterwards. So monitors that print or plot the norm are called then, once for each iteration; those
   that want to see the solution or the residual of an iteration cannot be, and then the program solves by itself.
*/
#include "runner.h"
#include "guard.h"
#include <math.h>

typedef PetscErrorCode (*Monitor)(KSP, PetscInt, PetscReal, void *);

/* Monitors of PETSc that need nothing but iteration and norm. */
static PetscBool Plain(Monitor m)
{
#if PETSC_VERSION_LT(3, 26, 0) /* it is a format of the other one since */
  if (m == (Monitor)KSPMonitorResidualShort) return PETSC_TRUE;
#endif
  return (PetscBool)(m == (Monitor)KSPMonitorResidual || m == (Monitor)KSPMonitorResidualDrawLG);
}

/* Can all that watch the program's KSP be told afterwards, on every rank? A monitor may be set on one only. One of preonly may
   be called only after the solve: then whatever it asks for is there. */
PetscErrorCode MirrorAllows(Solve *s, Why *why)
{
  const KSP ksp     = s->ksp;
  int       some[2] = {ksp->numbermonitors > 0, ksp->err_hist != NULL}; /* monitors; any that cannot */

  PetscFunctionBegin;
  for (PetscInt i = 0; i < ksp->numbermonitors; i++)
    some[1] = some[1] || !(Plain(ksp->monitor[i]) || (MONITORS_AFTER && ContractIsAlone(ksp)));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, some, 2, MPI_INT, MPI_MAX, PetscObjectComm((PetscObject)ksp)));
  s->monitored = (PetscBool)some[0];
  if (some[1]) *why = WHY_MONITORED;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode MirrorShows(KSP ksp, Why *why)
{
  PetscBool ascii = PETSC_TRUE;

  PetscFunctionBegin;
  if (ksp->view && ksp->viewer) PetscCall(PetscObjectTypeCompare((PetscObject)ksp->viewer, PETSCVIEWERASCII, &ascii));
  if (!ascii) *why = WHY_VIEWED;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool MirrorWants(const Solve *s)
{
  return (PetscBool)(s->ksp->res_hist || s->ksp->numbermonitors);
}

PetscErrorCode MirrorForget(Solve *s)
{
  KSP ksp = s->ksp;

  PetscFunctionBegin;
  ksp->reason       = KSP_CONVERGED_ITERATING; /* a method may believe a stale reason and return at once */
  ksp->its          = 0;
  ksp->rnorm        = 0;
  ksp->res_hist_len = (size_t)s->history;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Iterations that the program is told of: a factorisation is applied once. */
static PetscInt Told(const Solve *s)
{
  return s->contract.kind == CONTRACT_DIRECT ? 1 : s->its;
}

static PetscReal NormAt(const Solve *s, PetscInt it, PetscReal last)
{
  if (it == Told(s)) return last;
  if (s->contract.kind == CONTRACT_DIRECT) return s->contract.bnorm;
  return s->course.n ? s->course.norm[PetscMin(it, s->course.n - 1)] : last;
}

/* One norm for each iteration and one before the first; the last is the true one, whatever the solve was told on the way. */
static PetscErrorCode Replay(Solve *s, PetscReal last)
{
  KSP             ksp   = s->ksp;
  const PetscBool alone = ContractIsAlone(ksp); /* it keeps no history, and has no norm */
  PetscErrorCode  err   = PETSC_SUCCESS;
  int             lifted;

  PetscFunctionBegin;
  lifted = GuardLift();
  for (PetscInt it = 0; it <= Told(s) && !err; it++) {
    const PetscReal norm = NormAt(s, it, last);
    if (!alone) {
      ksp->its   = it;
      ksp->rnorm = norm;
      err        = KSPLogResidualHistory(ksp, norm);
    }
    if (!err) err = KSPMonitor(ksp, it, norm);
  }
  GuardSettle(lifted);
  PetscCall(err);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Right preconditioning may leave any multiple of the null space in x; the program's own settings add none to its guess. */
PetscErrorCode MirrorProject(Solve *s)
{
  MatNullSpace null;

  PetscFunctionBegin;
  PetscCall(MatGetNullSpace(s->op.A, &null));
  if (!null) PetscFunctionReturn(PETSC_SUCCESS);
  if (s->x0) PetscCall(VecAXPY(s->ksp->vec_sol, -1, s->x0));
  PetscCall(MatNullSpaceRemove(null, s->ksp->vec_sol));
  if (s->x0) PetscCall(VecAXPY(s->ksp->vec_sol, 1, s->x0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static KSPConvergedReason ReasonOf(const Solve *s)
{
  const KSP ksp = s->ksp;

  if (ContractIsAlone(ksp)) return KSP_CONVERGED_ITS;
  if (s->contract.kind == CONTRACT_OWN_TEST) return s->reason;
  if (s->contract.kind == CONTRACT_UNPRECONDITIONED && islessequal(s->residual, ksp->abstol)) return KSP_CONVERGED_ATOL;
  return KSP_CONVERGED_RTOL;
}

PetscErrorCode MirrorAnswer(Solve *s)
{
  KSP       ksp  = s->ksp;
  PetscReal norm = s->residual;

  PetscFunctionBegin;
  s->host->answered = PETSC_TRUE;
  ksp->res_hist_len = (size_t)s->history;
  if (s->contract.judge.measure != MEASURE_NORM && (MirrorWants(s) || !ContractIsAlone(ksp))) PetscCall(TrueResidual(ksp, &norm));
  if (MirrorWants(s)) PetscCall(Replay(s, norm));
  ksp->its = Told(s);
  if (!ContractIsAlone(ksp)) ksp->rnorm = norm;
  ksp->reason = ReasonOf(s);
  PetscFunctionReturn(PETSC_SUCCESS);
}
