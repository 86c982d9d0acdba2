/* attempt.c - the model's settings: permitted, tried under a budget, verified, tried again by a second choice. */
#include "runner.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHORTEST_PROCESSOR 0.004 /* seconds that an attempt may always take */
#define BUSY               4     /* times its budget, on the wall: a busy machine is no fault of the attempt's */
#define SPARE              0.5   /* times own, that an attempt may take beyond its budget where it seems to be done by then */
#define NEARLY             100   /* times the target: worth going on from ... */
#define REFINED            1e6   /* ... where an exact answer is asked for, each time a part of what was left out is found ... */
#define REFINEMENTS        4     /* ... at most so often */
#define BETTER             0.5   /* of the measure before: otherwise it is no use */
#define CLOSER             2     /* times that an answer is made closer, at most ... */
#define CLOSEST            1e-13 /* ... of the measure of x = 0, which rounding may put out of reach */

/* Seconds that the attempt may take. */
static double Budget(const Solve *s)
{
  return s->preconditioner == PRECONDITIONER_KEPT ? fmin(s->budget, s->renewal) : s->budget;
}

/* ---- tried ---- */
static PetscErrorCode SetUp(Solve *s, double *clock)
{
  InnerState state;
  double     before = s->setup, processor = ClockProcessor();

  PetscFunctionBegin;
  if (s->preconditioner == PRECONDITIONER_KEPT) PetscCall(InnerKeep(&s->run->inner, s->ksp, &s->op, &state));
  else PetscCall(InnerSetUp(&s->run->inner, s->ksp, &s->run->decision.settings, &s->op, ContractNorm(&s->contract), &state));
  s->setup += Lap(clock);
  if (s->preconditioner < PRECONDITIONER_KEPT)
    s->preconditioner = s->run->inner.updated ? PRECONDITIONER_UPDATED : PRECONDITIONER_BUILT;
  PermitNote(s, fmin(s->setup - before, ClockProcessor() - processor)); /* a busy machine is no fault of the set-up's */
  if (state == INNER_OK) PetscFunctionReturn(PETSC_SUCCESS);
  s->why = state == INNER_UNSOUND ? WHY_RAISES : state == INNER_FAILED ? WHY_PC_FAILED : WHY_SETUP_FAILED;
  PetscCall(InnerForgetOptions(&s->run->inner, s->unused));
  PetscCall(PetscPushErrorHandler(PetscIgnoreErrorHandler, NULL));
  if (InnerDestroy(&s->run->inner)) s->run->inner.ksp = NULL;
  PetscCall(PetscPopErrorHandler());
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What was in an error in the middle of a solve may hold vectors of somebody else: it is left where it is. */
static void Abandon(Solve *s)
{
  s->why            = WHY_ERROR;
  s->run->inner.ksp = NULL;
  s->run->runner->abandoned++;
}

static void WhyFailed(Solve *s, const Limits *l)
{
  KSPConvergedReason reason = KSP_CONVERGED_ITERATING;

  (void)KSPGetConvergedReason(s->run->inner.ksp, &reason);
  s->why = l->late ? WHY_LATE : l->prospect && l->prospect->left > 0 ? WHY_HOPELESS : reason < 0 ? WHY_DIVERGED : WHY_WRONG;
  if (l->late) snprintf(s->detail, sizeof s->detail, "time budget of %.3g s used up", fmax(Budget(s), SHORTEST_PROCESSOR));
  else if (s->why == WHY_HOPELESS)
    snprintf(s->detail, sizeof s->detail, "attempt given up: some %.3g s more seemed to be needed", l->prospect->left);
  else if (reason < 0) snprintf(s->detail, sizeof s->detail, "%s", KSPConvergedReasons[reason]);
  else if (s->contract.kind == CONTRACT_OWN_TEST) s->why = WHY_NOT_ACCEPTED;
  else
    snprintf(s->detail, sizeof s->detail, "reported %s, but the true residual is %.3g times the tolerance",
             KSPConvergedReasons[reason], (double)(s->residual / s->contract.target));
}

/* One solve from vec_sol as it is or from zero, and the residual recomputed. */
static PetscErrorCode Once(Solve *s, Limits *limits, PetscBool guess, double *clock)
{
  Inner     *in = &s->run->inner;
  InnerState state;
  PetscInt   its;

  PetscFunctionBegin;
  limits->before    = s->its;
  s->host->mirrored = in->ksp;
  PetscCall(InnerSolve(in, s->ksp, s->ksp->vec_sol, limits, s->ksp->max_it - s->its, guess, &state));
  s->host->mirrored = NULL;
  s->solve += Lap(clock);
  if (state == INNER_ERROR) {
    Abandon(s);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(KSPGetIterationNumber(in->ksp, &its));
  s->its += its;
  PetscCall(MirrorProject(s));
  if (in->ksp->reason > 0) PetscCall(ContractBlur(&s->contract, s->ksp->vec_sol));
  PetscCall(JudgeAnswer(&s->contract.judge, s->ksp->vec_sol, &s->residual));
  s->verify += Lap(clock);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Does vec_sol meet the contract? The last norm that the program's own test sees is that of what it gets. */
static PetscErrorCode Met(Solve *s, PetscBool *ok)
{
  PetscFunctionBegin;
  *ok = PETSC_FALSE;
  if (s->why) PetscFunctionReturn(PETSC_SUCCESS);
  *ok = ContractMet(&s->contract, s->residual);
  if (s->contract.kind != CONTRACT_OWN_TEST) PetscFunctionReturn(PETSC_SUCCESS);
  s->host->answered = PETSC_TRUE; /* its solution is in vec_sol */
  PetscCall(ContractAsk(&s->contract, s->its, s->residual, &s->reason));
  *ok = s->host->answered = (PetscBool)(s->reason > 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is it worth going on from here? */
static PetscBool Nearly(const Solve *s, const Limits *l)
{
  if (s->why || l->late || (l->prospect && l->prospect->left > 0) || s->its >= s->ksp->max_it) return PETSC_FALSE;
  if (s->contract.kind == CONTRACT_OWN_TEST) return (PetscBool)(s->run->inner.ksp->reason > 0); /* of a norm carried along */
  return (PetscBool)(s->residual < (s->contract.kind == CONTRACT_DIRECT ? REFINED : NEARLY) * s->contract.target);
}

/* From where the solve has left off, once more; where an exact answer is asked for, as long as that helps. */
static PetscErrorCode GoOn(Solve *s, Limits *limits, double *clock, PetscBool *ok)
{
  const int most = s->contract.kind == CONTRACT_DIRECT ? REFINEMENTS : 1;

  PetscFunctionBegin;
  for (int i = 0; i < most && !*ok && Nearly(s, limits); i++) {
    const PetscReal before = s->residual;
    PetscCall(Once(s, limits, PETSC_TRUE, clock));
    PetscCall(Met(s, ok));
    if (!isless(s->residual, BETTER * before)) break;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* b - A x of vec_sol: the judge has just computed it, but for the scales of rows. */
static PetscErrorCode Residual(const Judge *j, Vec *r)
{
  PetscFunctionBegin;
  *r = j->scales->work[1];
  if (j->measure != MEASURE_NORM) PetscCall(VecPointwiseDivide(*r, *r, j->scales->rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Would the program's own settings, which stop on another norm, have gone on? *target: so small a measure would do for them.
   What noise of products excuses may be that of our recurrence, which begins anew where it goes on. */
static PetscErrorCode IsFar(Solve *s, PetscReal *target, PetscBool *far)
{
  InnerState state;
  PetscReal  part;
  Vec        r;

  PetscFunctionBegin;
  *far = (PetscBool)isgreater(s->residual, *target = s->contract.asked);
  if (s->contract.noise > 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Residual(&s->contract.judge, &r));
  PetscCall(InnerCloseness(&s->run->inner, s->ksp, r, &part, &state));
  *target = s->residual * s->ksp->rtol / part;
  *far    = (PetscBool)(state == INNER_OK && isgreater(part, s->ksp->rtol) && isgreater(*target, CLOSEST * s->contract.zero));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The answer is good enough by the contract. Where own settings would have gone on, so does this; what is no better is undone. */
static PetscErrorCode Closer(Solve *s, Limits *limits, double *clock, PetscBool *ok)
{
  Vec       answer = NULL;
  PetscBool far;

  PetscFunctionBegin;
  for (int i = 0; i < (s->contract.noise > 0 ? 1 : CLOSER) && *ok && s->its < s->ksp->max_it; i++) {
    const PetscReal before = s->residual;
    PetscCall(IsFar(s, &limits->target, &far));
    if (!far) break;
    if (!answer) PetscCall(VecDuplicate(s->ksp->vec_sol, &answer));
    PetscCall(VecCopy(s->ksp->vec_sol, answer));
    PetscCall(Once(s, limits, PETSC_TRUE, clock));
    *ok = (PetscBool)!s->why;
    if (*ok && ContractMet(&s->contract, s->residual) && isless(s->residual, before)) continue;
    PetscCall(VecCopy(answer, s->ksp->vec_sol));
    s->residual = before;
    break;
  }
  PetscCall(VecDestroy(&answer));
  s->verify += Lap(clock);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A prior says how long the attempt should take. Where it takes longer, it has to be worth going on with. */
static Prospect *Foreseen(const Solve *s, Prospect *p)
{
  if (!PolicyPrior(s->run->policy) || s->run->runner->trial || !isfinite(s->run->attempt)) return NULL;
  *p = (Prospect){.foreseen = ClockProcessor() + fmax(s->run->attempt, SHORTEST_PROCESSOR),
                  .aim      = s->accepted * s->contract.bnorm,
                  .other    = s->expected,
                  .spare    = s->preconditioner == PRECONDITIONER_KEPT ? 0 : SPARE * s->expected};
  return p;
}

/* *ok: vec_sol meets the contract. Otherwise why says what went wrong. */
static PetscErrorCode Try(Solve *s, PetscBool *ok)
{
  const PetscBool ready = InnerReady(&s->run->inner, &s->run->decision.settings, &s->op, ContractNorm(&s->contract)),
                  made  = (PetscBool)(!ready || s->preconditioner == PRECONDITIONER_REBUILT);
  Prospect        prospect;
  double          clock;
  Limits          limits;

  PetscFunctionBegin;
  *ok         = PETSC_FALSE;
  s->its      = 0;
  s->why      = WHY_NOT;
  s->course.n = 0;
  clock       = ClockNow();
  limits      = (Limits){.target     = EarlierAim(s),
                         .divergence = s->ksp->divtol,
                         .processor  = ClockProcessor() + fmax(Budget(s), SHORTEST_PROCESSOR),
                         .deadline   = clock + fmax(BUSY * Budget(s), SHORTEST_WALL),
                         .course     = &s->course,
                         .test       = s->contract.kind == CONTRACT_OWN_TEST ? ContractAsk : NULL,
                         .asked      = &s->contract,
                         .look       = s->contract.judge.measure == MEASURE_NORM ? NULL : JudgeIterate,
                         .judge      = &s->contract.judge,
                         .prospect   = Foreseen(s, &prospect)};
  s->made     = made;
  if (made) PetscCall(SetUp(s, &clock));
  if (s->why) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Once(s, &limits, s->guess, &clock));
  PetscCall(InnerForgetOptions(&s->run->inner, s->unused));
  PetscCall(Met(s, ok));
  PetscCall(GoOn(s, &limits, &clock, ok));
  if (*ok && s->contract.kind == CONTRACT_PRECONDITIONED && (s->contract.noise > 0 || CloserMay(s->run->inner.ksp)))
    PetscCall(Closer(s, &limits, &clock, ok));
  if (!*ok && !s->why) WhyFailed(s, &limits);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AttemptStart(Solve *s)
{
  PetscFunctionBegin;
  PetscCall(ProductsPutBack(&s->products));
  PetscCall(JudgeAnswer(&s->contract.judge, s->ksp->vec_sol, &s->residual));
  if (!s->onlookers && isless(s->residual, s->contract.zero)) s->guess = PETSC_TRUE;
  else PetscCall(StartOver(s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A kept preconditioner was of no use: the same settings, set up for this operator, go on from there. */
static PetscErrorCode Renew(Solve *s, PetscBool *ok)
{
  PetscFunctionBegin;
  KeepFailed(s);
  s->preconditioner = PRECONDITIONER_REBUILT;
  s->detail[0]      = 0;
  PetscCall(AttemptStart(s));
  PetscCall(Try(s, ok));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AttemptModel(Solve *s, PetscBool *ok)
{
  int  again = PermitMore(s);
  char first[128];
  Why  why;

  PetscFunctionBegin;
  s->began = ClockProcessor();
  PetscCall(Try(s, ok));
  if (!*ok && s->preconditioner == PRECONDITIONER_KEPT) PetscCall(Renew(s, ok));
  if (*ok) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallMPI(MPI_Bcast(&again, 1, MPI_INT, 0, PetscObjectComm((PetscObject)s->ksp)));
  if (!again || !PolicySecond(s->run->policy, &s->run->decision)) PetscFunctionReturn(PETSC_SUCCESS);
  why = s->why;
  snprintf(first, sizeof first, "%.127s", JournalWhy(s));
  s->detail[0] = 0;
  s->source    = SOURCE_SECOND;
  PetscCall(AttemptStart(s));
  PetscCall(Try(s, ok));
  if (*ok) snprintf(s->detail, sizeof s->detail, "%s", first);
  else {
    char both[sizeof s->detail];
    snprintf(both, sizeof both, "%s; second choice: %.100s", first, JournalWhy(s));
    snprintf(s->detail, sizeof s->detail, "%s", both);
  }
  s->why = why;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- accepted ---- */
PetscErrorCode AttemptAccept(Solve *s)
{
  const double seconds = s->setup + s->solve + s->verify, busy = fmin(seconds, ClockProcessor() - s->began);
  int          slow = busy > fmax(fmax(s->budget, s->expected), SHORTEST_WALL) && !s->run->runner->trial;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Bcast(&slow, 1, MPI_INT, 0, PetscObjectComm((PetscObject)s->ksp)));
  PetscCall(MirrorAnswer(s));
  if (s->contract.kind == CONTRACT_OWN_TEST) s->class->accepted = s->residual / s->contract.bnorm;
  if (!slow) ClassAnswered(s->class, seconds, &s->lesson);
  else if (!SolveProbes(s)) ClassFailed(s->class, &s->lesson); /* slow success is no success */
  PetscCall(EarlierLearn(s));
  PetscCall(KeepLearn(s));
  PetscCall(ShelfOffer(s));
  PetscFunctionReturn(PETSC_SUCCESS);
}
