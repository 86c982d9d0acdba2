/*
   replay.c - what monitors of the program's KSP, and its history, are told of a solve of ours, once its answer has been accepted.

   Nobody knows before which solve counts, and what a monitor has seen cannot be taken back. So each iteration is told afterwards,
   with its norm. Monitors of the program's own find the start in place of the answer, until the last iteration. Most of them look
   at nothing but the norm. If one does look at the solution or at the residual, the solve is made once more from the start, and
   each of its iterates is shown; from then on such solves are left to the program.
*/
#include "runner.h"
#include "guard.h"
#include <math.h>

typedef struct {
  Solve         *s;
  Vec            answer; /* NULL: it stays in vec_sol */
  PetscReal      last;   /* norm */
  PetscInt       end;    /* iterations that are told of ... */
  PetscInt       it;     /* ... and the latest of them */
  PetscInt       brought;
  PetscErrorCode err; /* of a monitor */
  Sight          sight;
} Replay;

/* The last is the true one, whatever the solve was told on the way. */
static PetscReal NormAt(const Replay *r)
{
  const Solve *s = r->s;

  if (r->it == r->end) return r->last;
  if (s->contract.kind == CONTRACT_DIRECT) return s->contract.bnorm;
  return s->course.n ? s->course.norm[PetscMin(r->it, s->course.n - 1)] : r->last;
}

/* One that only applies its preconditioner keeps no history, and has no norm. */
static PetscErrorCode Tell(const Replay *r)
{
  KSP             ksp    = r->s->ksp;
  const PetscReal norm   = NormAt(r);
  const int       lifted = GuardLift();
  PetscErrorCode  err    = PETSC_SUCCESS;

  PetscFunctionBegin;
  if (!ContractIsAlone(ksp)) {
    ksp->its   = r->it;
    ksp->rnorm = norm;
    err        = KSPLogResidualHistory(ksp, norm);
  }
  if (!err) err = KSPMonitor(ksp, r->it, norm);
  GuardSettle(lifted);
  PetscCall(err);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Start(const Solve *s, Vec x)
{
  PetscFunctionBegin;
  if (s->x0) PetscCall(VecCopy(s->x0, x));
  else PetscCall(VecZeroEntries(x));
  PetscCall(PetscObjectStateIncrease((PetscObject)x)); /* a norm that is kept with it could be read past us */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the same solve once more ---- */
typedef PetscErrorCode (*AtEach)(void *replay, PetscInt, PetscReal, KSPConvergedReason *);

static PetscErrorCode Again(Replay *r, AtEach test)
{
  Solve     *s      = r->s;
  Limits     limits = {.test = test, .asked = r};
  InnerState state;
  Products   before;
  Vec        x;

  PetscFunctionBegin;
  if (!s->run->inner.ksp) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ProductsKeep(s->op.A, &before));
  PetscCall(VecDuplicate(s->ksp->vec_sol, &x));
  PetscCall(Start(s, x));
  PetscCall(InnerSolve(&s->run->inner, s->ksp, x, &limits, r->end, s->guess, &state));
  PetscCall(ProductsPutBack(&before));
  if (state == INNER_ERROR) {
    s->run->inner.ksp = NULL;
    s->run->runner->abandoned++;
  }
  PetscCall(VecDestroy(&x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Show(const Replay *r)
{
  Vec x;

  PetscFunctionBegin;
  PetscCall(KSPBuildSolution(r->s->run->inner.ksp, r->s->ksp->vec_sol, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode StopHere(void *replay, PetscInt it, PetscReal norm, KSPConvergedReason *reason)
{
  const Replay *r = (const Replay *)replay;

  PetscFunctionBegin;
  (void)norm;
  if (it < r->it) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Show(r));
  *reason = KSP_CONVERGED_ITS;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Somebody looks for the first time: the iterate is made for that. On several ranks all must have come for it. */
static PetscErrorCode Bring(void *replay, PetscBool together)
{
  Replay        *r = (Replay *)replay;
  PetscErrorCode err;
  PetscMPIInt    ranks;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)r->s->ksp), &ranks));
  if (r->brought == r->it || (ranks > 1 && !together)) PetscFunctionReturn(PETSC_SUCCESS);
  r->brought = r->it;
  GuardEnter();
  err = Again(r, StopHere);
  GuardLeave();
  PetscCall(err);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TellOn(void *replay, PetscInt it, PetscReal norm, KSPConvergedReason *reason)
{
  Replay *r = (Replay *)replay;

  PetscFunctionBegin;
  (void)norm;
  if (it <= r->it) PetscFunctionReturn(PETSC_SUCCESS);
  if (it < r->end) PetscCall(Show(r));
  while (!r->err && r->it < PetscMin(it, r->end - 1)) {
    r->it++;
    r->err = Tell(r);
  }
  if (r->err) *reason = KSP_DIVERGED_BREAKDOWN;
  else if (it >= r->end) *reason = KSP_CONVERGED_ITS;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Has somebody looked, on any rank? Then the rest is shown as it comes. Collective. */
static PetscErrorCode Follow(Replay *r)
{
  int seen = r->sight.seen;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &seen, 1, MPI_INT, MPI_MAX, PetscObjectComm((PetscObject)r->s->ksp)));
  if (!seen) PetscFunctionReturn(PETSC_SUCCESS);
  r->s->class->looked_on = PETSC_TRUE;
  r->s->host->sight      = NULL;
  PetscCall(SightClose(&r->sight));
  if (r->it + 1 < r->end) PetscCall(Again(r, TellOn));
  PetscCall(r->err);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- from the first iteration to the last ---- */
static PetscErrorCode TellAll(Replay *r)
{
  PetscFunctionBegin;
  for (; r->it < r->end; r->it++) {
    PetscCall(Tell(r));
    if (r->s->host->sight) PetscCall(Follow(r));
  }
  if (r->s->host->sight) PetscCall(SightClose(&r->sight));
  r->s->host->sight = NULL;
  if (r->answer) PetscCall(VecCopy(r->answer, r->s->ksp->vec_sol));
  PetscCall(Tell(r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Hide(Replay *r)
{
  Solve *s = r->s;

  PetscFunctionBegin;
  r->sight = (Sight){.x = s->ksp->vec_sol, .context = r, .bring = Bring};
  PetscCall(VecDuplicate(s->ksp->vec_sol, &r->answer));
  PetscCall(VecCopy(s->ksp->vec_sol, r->answer));
  PetscCall(Start(s, s->ksp->vec_sol));
  PetscCall(SightOpen(&r->sight));
  s->host->sight = &r->sight;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ReplayAll(Solve *s, PetscInt its, PetscReal last)
{
  Replay         r = {.s = s, .end = its, .last = last};
  PetscErrorCode err;

  PetscFunctionBegin;
  if (s->onlookers && its > 0) PetscCall(Hide(&r));
  err = TellAll(&r);
  if (s->host->sight) PetscCall(SightClose(&r.sight));
  s->host->sight = NULL;
  PetscCall(VecDestroy(&r.answer));
  PetscCall(err);
  PetscFunctionReturn(PETSC_SUCCESS);
}
