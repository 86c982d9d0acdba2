/* mirror.c - the program's KSP is told what happened in ours: solution, iterations, norm, reason. The course is in replay.c. */
#include "runner.h"
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

typedef struct {
  int some;   /* there are monitors */
  int logs;   /* there is a history */
  int theirs; /* of the program's own: what they look at is seen when they are called */
  int cannot; /* be told afterwards */
} Watchers;

/* One of preonly may be called only after the solve: then whatever it asks for is there. */
static Watchers WatchersOf(const Solve *s)
{
  const KSP ksp = s->ksp;
  Watchers  w   = {.some = ksp->numbermonitors > 0, .logs = ksp->res_hist != NULL, .cannot = ksp->err_hist != NULL};

  for (PetscInt i = 0; i < ksp->numbermonitors && !(MONITORS_AFTER && ContractIsAlone(ksp)); i++) {
    if (Plain(ksp->monitor[i])) continue;
    if (ContractIsTheirs(ksp, (void (*)(void))ksp->monitor[i], ksp->monitorcontext[i]) && !s->class->looked_on) w.theirs = 1;
    else w.cannot = 1;
  }
  return w;
}

/* A monitor or a history may be set on one rank only. */
PetscErrorCode MirrorAllows(Solve *s, Why *why)
{
  Watchers w = WatchersOf(s);

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &w, sizeof w / sizeof(int), MPI_INT, MPI_MAX, PetscObjectComm((PetscObject)s->ksp)));
  s->monitored = (PetscBool)w.some;
  s->logged    = (PetscBool)w.logs;
  s->onlookers = (PetscBool)w.theirs;
  if (w.cannot) *why = WHY_MONITORED;
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
  return (PetscBool)(s->logged || s->monitored);
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
  if (MirrorWants(s)) PetscCall(ReplayAll(s, Told(s), norm));
  ksp->its = Told(s);
  if (!ContractIsAlone(ksp)) ksp->rnorm = norm;
  ksp->reason = ReasonOf(s);
  PetscFunctionReturn(PETSC_SUCCESS);
}
