/*
   canary.c - a sample of solves is made under the program's own settings as well, for what they take.

   The program has its answer then, and keeps it: another vector stands in for its solution, nothing is monitored, and what the
   solve leaves in the KSP is put back, and what its products leave in SNES. Its preconditioner is set up, as it is whenever
   somebody needs it.
*/
#include "canary.h"
#include "quiet.h"
#include <math.h>

typedef struct { /* of the program's KSP */
  Vec                x;
  PetscInt           its, monitors;
  KSPConvergedReason reason;
  PetscReal          rnorm, rnorm0, ttol, *history, *errors;
  PetscBool          raises;
} Kept;

/* The same on every machine: FNV-1a of the run and the number, and what makes neighbours differ (splitmix64). */
static double Draw(const char *run, PetscInt solve)
{
  uint64_t h = 14695981039346656037u;

  for (const char *c = run; *c; c++) h = (h ^ (unsigned char)*c) * 1099511628211u;
  h += 0x9e3779b97f4a7c15u * (uint64_t)(solve + 1);
  h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9u;
  h = (h ^ h >> 27) * 0x94d049bb133111ebu;
  return (double)((h ^ h >> 31) >> 11) * 0x1p-53;
}

/* Nothing that keeps something from one solve to the next is called aside, nor code of the program's. */
PetscErrorCode CanaryMay(const Solve *s, PetscBool *yes)
{
  PetscBool theirs, keeps;

  PetscFunctionBegin;
  *yes = PETSC_FALSE;
  if (!s->answered || s->contract.kind == CONTRACT_OWN_TEST) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscObjectTypeCompareAny((PetscObject)s->ksp->pc, &theirs, PCSHELL, "python", ""));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)s->ksp, &keeps, KSPHPDDM, "python", ""));
  *yes = (PetscBool)(!theirs && !keeps);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rank 0 draws. */
static PetscErrorCode Drawn(const Solve *s, PetscBool *yes)
{
  const Runner *r     = s->run->runner;
  const char   *run   = ClockCounts() ? "" : r->journal.run;
  int           drawn = Draw(run, r->solves) < r->canary && s->class->own_solve.n > 0 && !(s->own_measured > 0);

  PetscFunctionBegin;
  *yes = PETSC_FALSE;
  if (r->canary > 0) PetscCall(CanaryMay(s, yes));
  if (!*yes) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallMPI(MPI_Bcast(&drawn, 1, MPI_INT, 0, PetscObjectComm((PetscObject)s->ksp)));
  *yes = (PetscBool)drawn;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Take(KSP ksp, Kept *k)
{
  *k = (Kept){.x        = ksp->vec_sol,
              .its      = ksp->its,
              .monitors = ksp->numbermonitors,
              .reason   = ksp->reason,
              .rnorm    = ksp->rnorm,
              .rnorm0   = ksp->rnorm0,
              .ttol     = ksp->ttol,
              .history  = ksp->res_hist,
              .errors   = ksp->err_hist,
              .raises   = ksp->errorifnotconverged};

  ksp->numbermonitors      = 0;
  ksp->res_hist            = NULL;
  ksp->err_hist            = NULL;
  ksp->errorifnotconverged = PETSC_FALSE;
  ksp->its                 = 0;
  ksp->rnorm               = 0;
  ksp->reason              = KSP_CONVERGED_ITERATING; /* a method may believe a stale reason and return at once */
}

static void PutBack(KSP ksp, const Kept *k)
{
  ksp->vec_sol             = k->x;
  ksp->numbermonitors      = k->monitors;
  ksp->res_hist            = k->history;
  ksp->err_hist            = k->errors;
  ksp->errorifnotconverged = k->raises;
  ksp->its                 = k->its;
  ksp->rnorm               = k->rnorm;
  ksp->rnorm0              = k->rnorm0;
  ksp->ttol                = k->ttol;
  ksp->reason              = k->reason;
}

/* From where the program's own solve would have started. */
static PetscErrorCode Start(const Solve *s, Vec *x)
{
  PetscFunctionBegin;
  PetscCall(VecDuplicate(s->ksp->vec_sol, x));
  if (s->x0) PetscCall(VecCopy(s->x0, *x));
  else PetscCall(VecZeroEntries(*x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An error on one rank is one of all. Collective. */
static PetscErrorCode Agree(KSP ksp, PetscErrorCode err, PetscBool *failed)
{
  int some = err != 0;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &some, 1, MPI_INT, MPI_MAX, PetscObjectComm((PetscObject)ksp)));
  *failed = (PetscBool)some;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CanaryAside(Solve *s, LookAside look, void *context, Aside *a)
{
  const double   before = s->host->setup;
  KSP            ksp    = s->ksp;
  PetscErrorCode err, closed;
  double         clock;
  Turns          turns;
  Products       counted;
  Quiet          quiet;
  Kept           kept;
  Vec            x;

  PetscFunctionBegin;
  PetscCall(Start(s, &x));
  PetscCall(ProductsKeep(s->op.A, &counted));
  Take(ksp, &kept);
  ksp->vec_sol = x;
  turns        = ClockTurns();
  clock        = ClockNow();
  err          = QuietBegin(&quiet);
  if (!err) err = HostSolveAside(ksp, s->host);
  closed            = QuietEnd(&quiet);
  a->seconds        = Lap(&clock);
  a->share          = ClockShare(turns, a->seconds);
  a->setup          = s->host->setup - before;
  s->host->answered = PETSC_TRUE;
  a->good           = (PetscBool)(ksp->reason > 0);
  PetscCall(Agree(ksp, err, &a->failed));
  if (look && a->good && !a->failed) PetscCall(look(s, context, a));
  PutBack(ksp, &kept);
  PetscCall(PCSetErrorIfFailure(ksp->pc, ksp->errorifnotconverged));
  PetscCall(ProductsPutBack(&counted));
  PetscCall(closed);
  if (!a->failed) PetscCall(VecDestroy(&x)); /* else it is left to whoever was in the middle of it */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A set-up for an operator of an earlier solve would have been made with that one: it is not counted again. */
PetscErrorCode CanarySolve(Solve *s)
{
  PetscBool drawn;
  Aside     a;

  PetscFunctionBegin;
  PetscCall(Drawn(s, &drawn));
  if (!drawn) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(CanaryAside(s, NULL, NULL, &a));
  if (a.failed) s->run->runner->canary = 0;                    /* no more of them: what raised the error may do it again */
  if (a.failed || !a.good) PetscFunctionReturn(PETSC_SUCCESS); /* how soon they failed says nothing of what an answer takes */
  s->own_share = a.share;
  s->own_setup = s->fresh ? a.setup : 0;
  s->canary    = a.seconds - (s->fresh ? 0 : a.setup);
  PetscFunctionReturn(PETSC_SUCCESS);
}
