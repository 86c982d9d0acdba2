/* answer.c - the last steps of a solve: who answers. */
#include "runner.h"
#include <math.h>

PetscErrorCode StepTakeGuess(Solve *s)
{
  PetscFunctionBegin;
  s->own = PETSC_TRUE;
  PetscCall(StartAccept(s));
  s->answered = PETSC_TRUE;
  s->step     = STEP_DONE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode StepOwnFromGuess(Solve *s)
{
  PetscFunctionBegin;
  s->detail[0] = 0;
  PetscCall(StartOwn(s, &s->answered));
  s->step = s->answered ? STEP_DONE : STEP_FALL_BACK;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A prior has foreseen both: the first iterations tell less than that until one of the two would have been over. */
static double Least(const Solve *s)
{
  return SolveByPrior(s) ? fmin(s->run->decision.expected, s->run->foreseen) : 0;
}

/* Of a system that was too small to be looked at, and seems to need long. Where own settings go on, they are faster from here. */
static PetscErrorCode LookLate(KSP ksp, void *solve, double *patience)
{
  Solve          *s = (Solve *)solve;
  const Decision *d = &s->run->decision;
  double          clock;

  PetscFunctionBegin;
  (void)ksp;
  clock = ClockNow();
  PetscCall(DecideLook(s));
  *patience      = d->patience;
  s->watch.least = Least(s);
  s->why         = d->why ? d->why : WHY_NO_GAIN;
  snprintf(s->detail, sizeof s->detail, "%s", d->detail);
  s->decision += Lap(&clock);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* *may: the program's own settings have not answered, and the model's are to be tried from where they came. */
static PetscErrorCode MayTakeOver(Solve *s, PetscBool *may)
{
  double patience;

  PetscFunctionBegin;
  *may = PETSC_FALSE;
  if (s->ksp->reason > 0 || !(s->patience > 0)) PetscFunctionReturn(PETSC_SUCCESS);
  if (s->small && !s->looked) PetscCall(LookLate(s->ksp, s, &patience));
  *may = (PetscBool)(s->run->decision.patience > 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode KeepStart(Solve *s)
{
  PetscFunctionBegin;
  if (!s->guess || SolveGuessed(s) || s->x0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(s->ksp->vec_sol, &s->x0));
  PetscCall(VecCopy(s->ksp->vec_sol, s->x0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode StepOwn(Solve *s)
{
  const double before = s->decision, setup = s->host->setup;
  PetscBool    over;
  double       clock;

  PetscFunctionBegin;
  s->source = SOURCE_REFUSED;
  if (s->monitored || s->run->runner->advises) s->patience = 0; /* what has been shown cannot be taken back */
  if (s->patience > 0) PetscCall(KeepStart(s));
  s->watch = (Watch){.patience = s->patience, .least = Least(s), .look = s->small ? LookLate : NULL, .context = s};
  clock    = ClockNow();
  PetscCall(WatchSolve(s->ksp, s->host, &s->watch));
  s->solve = Lap(&clock) - (s->decision - before);
  if (!s->watch.given_up) s->own_measured = s->solve;
  s->own_setup = s->host->setup - setup;
  PetscCall(MayTakeOver(s, &over));
  s->step = over ? STEP_TAKE_OVER : STEP_DONE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode StepModel(Solve *s)
{
  PetscBool ok;
  Turns     turns;

  PetscFunctionBegin;
  PetscCall(KeepStart(s));
  PetscCall(EarlierStart(s));
  turns = ClockTurns();
  PetscCall(AttemptModel(s, &ok));
  s->tried_share = ClockShare(turns, s->setup + s->solve + s->verify);
  if (ok) PetscCall(AttemptAccept(s));
  s->answered = ok;
  s->step     = ok ? STEP_DONE : STEP_FALL_BACK;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode StepFallBack(Solve *s)
{
  const double setup = s->host->setup;
  double       clock;

  PetscFunctionBegin;
  clock     = ClockNow();
  s->source = SOURCE_FALLBACK;
  if (!s->own && !SolveProbes(s)) ClassFailed(s->class, &s->lesson);
  s->run->place.failed = SolveProbes(s);
  s->own               = PETSC_FALSE;
  PetscCall(StartOver(s));
  PetscCall(MirrorForget(s));
  PetscCall(ProductsPutBack(&s->products));
  PetscCall(HostSolveOwn(s->ksp, s->host));
  s->fallback     = Lap(&clock);
  s->own_measured = s->fallback;
  s->own_setup    = s->host->setup - setup;
  s->step         = STEP_DONE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The program's own settings have failed, or were given up; if the model's fail as well, they have the last word. */
PetscErrorCode StepTakeOver(Solve *s)
{
  const KSPConvergedReason reason = s->ksp->reason;
  const PetscInt           its    = s->ksp->its;
  const size_t             length = s->ksp->res_hist_len;
  const PetscReal          rnorm  = s->ksp->rnorm;
  char                     over[120];
  Vec                      own = NULL;

  PetscFunctionBegin;
  if (!s->watch.given_up) snprintf(over, sizeof over, "the program's own settings: %s", KSPConvergedReasons[reason]);
  else
    snprintf(over, sizeof over, "the program's own settings: given up at iteration %lld, some %.0f more seemed to be needed",
             (long long)its, ceil(s->watch.left));
  s->own_solve = s->solve;
  s->solve     = 0;
  s->detail[0] = 0;
  if (!s->watch.given_up) {
    PetscCall(VecDuplicate(s->ksp->vec_sol, &own));
    PetscCall(VecCopy(s->ksp->vec_sol, own));
    PetscCall(ProductsKeep(s->op.A, &s->products));
  }
  PetscCall(DecideExpect(s));
  PetscCall(AttemptStart(s));
  PetscCall(AttemptModel(s, &s->answered));
  if (s->answered) {
    PetscCall(AttemptAccept(s));
    s->source            = SOURCE_SWITCHED;
    s->why               = WHY_GIVEN_UP;
    s->run->decision.why = WHY_NOT; /* on this operator at once, from now on */
    snprintf(s->detail, sizeof s->detail, "%s", over);
  } else if (own) {
    char both[sizeof s->detail];
    snprintf(both, sizeof both, "own and chosen settings failed: %s; %.120s", KSPConvergedReasons[reason], JournalWhy(s));
    snprintf(s->detail, sizeof s->detail, "%s", both);
    s->why = WHY_BOTH_FAILED;
    ClassFailed(s->class, &s->lesson);
    PetscCall(VecCopy(own, s->ksp->vec_sol));
    PetscCall(ProductsPutBack(&s->products));
    s->ksp->reason       = reason;
    s->ksp->its          = its;
    s->ksp->rnorm        = rnorm;
    s->ksp->res_hist_len = length;
    s->source            = SOURCE_REFUSED;
  }
  s->step = s->answered || own ? STEP_DONE : STEP_FALL_BACK;
  PetscCall(VecDestroy(&own));
  PetscFunctionReturn(PETSC_SUCCESS);
}
