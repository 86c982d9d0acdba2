/* decide.c - the first steps of a solve: what is asked for, where to start, which settings, and whether they may be tried now. */
#include "runner.h"
#include "nested.h"
#include "own.h"
#include <math.h>

#define LOOKS    30  /* what a small system must still seem to need to be looked at, in times of a look */
#define FORESEEN 1.5 /* times own: what a first attempt may take where a prior has foreseen that, and nobody measured it */
#define SURPRISE 4   /* times what was foreseen of it: when an attempt is stopped, rather than at what own settings would take */
#define COARSE   5   /* times all solves so far: what may be spent on knowing that */
#define USUAL    2   /* times own: what an attempt that fails costs, even where more was allowed */
#define PROBE    2   /* times the favourite: when a probe is stopped */
#define OWN      50  /* passes over the matrix that own settings are taken to need, before anything is known */

static void ToOwn(Solve *s, Why why)
{
  s->why = why;
  if (s->contract.kind == CONTRACT_OWN_TEST || s->contract.kind == CONTRACT_DIRECT)
    s->patience = 0; /* one may not be asked in somebody else's name, the other asks for nothing on its way */
  s->step = SolveGuessed(s) ? STEP_OWN_FROM_GUESS : STEP_OWN;
}

/* ---- ADMIT: the contract, the operator, their class ---- */
/* Rank 0 of the KSP knows, from its own class, and all follow. Collective. */
static PetscErrorCode OwnAttains(Solve *s, Attained *own, PetscReal *told, PetscReal *blurred)
{
  const MPI_Comm comm     = PetscObjectComm((PetscObject)s->ksp);
  PetscReal      tests[3] = {s->class->told, s->class->accepted, s->class->blurred};

  PetscFunctionBegin;
  *own = s->run->known.answers > 0 ? s->run->known : s->class->own;
  PetscCallMPI(MPI_Bcast(own, sizeof *own / sizeof own->answers, MPI_DOUBLE, 0, comm));
  PetscCallMPI(MPI_Bcast(tests, 3, MPIU_REAL, 0, comm));
  *told       = tests[0];
  s->accepted = tests[1];
  *blurred    = tests[2];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What looks cost of which nothing comes is bounded: where own settings take no longer than one, there are few.
   What those of other classes have cost is no matter where something comes of them, or they were few: one own solve's time. */
static PetscBool LookIsDear(const Solve *s)
{
  const Runner *r = s->run->runner;

  if (r->trial || r->advises || !r->policy || PolicyIsConstant(r->policy) || !s->class->own_solve.n) return PETSC_FALSE;
  if (s->run->decided && OperatorSame(&s->op, &s->run->op)) return PETSC_FALSE; /* it was looked at before */
  return (PetscBool)(AccountLooksBeyond(&r->account, r->looked, LOOKS_LEAST) &&
                     AccountLooksBeyond(&s->class->account, s->class->looked, s->class->own_solve.mean));
}

/* Rank 0 says: a class has the entries of its rows in its name. Collective. */
static PetscErrorCode FindClass(Solve *s)
{
  int told[2];

  PetscFunctionBegin;
  PetscCall(ClassFind(&s->run->runner->classes, s->ksp, &s->op, &s->class));
  told[0] = ClassIsOff(s->class) ? WHY_OFF : LookIsDear(s) ? WHY_DEAR : WHY_NOT;
  told[1] = s->class->density;
  PetscCallMPI(MPI_Bcast(told, 2, MPI_INT, 0, PetscObjectComm((PetscObject)s->ksp)));
  if (!s->why) s->why = (Why)told[0];
  s->run->class   = s->class;
  s->run->density = told[1];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* There are matrices to read, and what an earlier KSP has left for these. */
static PetscErrorCode ReadOperator(Solve *s)
{
  PetscFunctionBegin;
  PetscCall(ProductsKeep(s->op.A, &s->products));
  PetscCall(OperatorRead(&s->op, &s->run->twin, &s->why));
  if (!s->why) PetscCall(ShelfTake(s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode StepAdmit(Solve *s)
{
  Run      *r = s->run;
  Attained  own;
  PetscReal told = 0, blurred = 0;

  PetscFunctionBegin;
  s->guess   = (PetscBool)!s->ksp->guess_zero;
  s->history = (PetscInt)s->ksp->res_hist_len;
  s->step    = STEP_OWN;
  PetscCall(ContractRead(s->ksp, &s->why));
  PetscCall(OperatorOf(s->ksp, &s->op, &s->why));
  PetscCall(FindClass(s));
  if (!s->why) PetscCall(ReadOperator(s));
  s->fresh = s->lesson.fresh = (PetscBool)!OperatorSame(&s->op, &r->op);
  if (s->fresh) r->decided = PETSC_FALSE;
  r->op = s->op;
  if (s->why) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(OwnAttains(s, &own, &told, &blurred));
  PetscCall(ContractTarget(s->ksp, &s->op, &own, told, &r->scales, &s->contract, &s->why));
  s->contract.blurred = blurred;
  if ((s->why == WHY_FIRST || s->why == WHY_NOISY) && r->runner->trial) s->why = WHY_NOT;
  if (s->why == WHY_NOT_FINITE)
    snprintf(s->detail, sizeof s->detail, "the norm of the right-hand side is %g", (double)s->contract.bnorm);
  if (!s->why) PetscCall(MirrorAllows(s, &s->why));
  if (!s->why) PetscCall(MirrorShows(s->ksp, &s->why));
  s->course.kept = MirrorWants(s);
  if (!s->why) s->step = STEP_GUESS;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- GUESS: nobody has to look at the system where the guess is the answer, or is known with what to go on from it ---- */
PetscErrorCode StepGuess(Solve *s)
{
  double  clock = ClockNow();
  Runner *r     = s->run->runner;

  PetscFunctionBegin;
  if (s->contract.kind != CONTRACT_OWN_TEST && s->contract.judge.measure == MEASURE_NORM && !s->onlookers)
    PetscCall(StartFromGuess(s)); /* tests and monitors are to find the program's own start; guesses are learned in this norm */
  s->guessing = Lap(&clock);
  s->decision -= s->guessing; /* it is part of the step */
  s->step = STEP_DECIDE;
  if (!SolveGuessed(s)) PetscFunctionReturn(PETSC_SUCCESS);
  if (ContractMet(&s->contract, s->start)) s->step = STEP_TAKE_GUESS;
  else if (GuessAlone(r->guess)) s->step = STEP_OWN_FROM_GUESS;
  else if (GuessSettings(r->guess, &s->run->decision)) {
    s->run->policy  = r->policy;
    s->run->decided = PETSC_TRUE;
    s->step         = STEP_PERMIT;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- DECIDE: which settings, if any; one decision holds for one state of the operator ---- */
/* What a model has never seen the like of is the prior's to decide. */
static void AskModel(Run *run, const double features[])
{
  const Runner *r = run->runner;

  PolicyDecide(r->policy, features, &run->decision);
  if (run->decision.why != WHY_UNFAMILIAR) return;
  TextPrint(run->unfamiliar, sizeof run->unfamiliar, "%s", run->decision.detail);
  if (r->prior) run->policy = r->prior;
}

PetscErrorCode DecideLook(Solve *s)
{
  const PetscBool given = (PetscBool)(s->guess && !SolveGuessed(s)); /* by the program */
  const KSP       ksp   = s->ksp;
  PetscReal       rtol, abstol;
  double          features[METASOLVE_FEATURES];
  Run            *run = s->run;

  PetscFunctionBegin;
  ContractTolerances(ksp, &rtol, &abstol);
  run->policy        = run->runner->policy;
  run->unfamiliar[0] = 0;
  if (PolicyIsConstant(run->policy)) PolicyDecide(run->policy, NULL, &run->decision);
  else {
    PetscCall(FeaturesCompute(s->op.P, ksp->vec_rhs, s->contract.bnorm, rtol, abstol, given, &run->previous, features));
    PetscCallMPI(MPI_Bcast(features, METASOLVE_FEATURES, MPI_DOUBLE, 0, PetscObjectComm((PetscObject)ksp)));
    if (!PolicyPrior(run->policy)) AskModel(run, features);
    if (PolicyPrior(run->policy)) PetscCall(ChooseCandidate(s, features));
  }
  run->decided = PETSC_TRUE;
  s->looked    = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- PERMIT: may they be tried now? Rank 0 says so from its clocks and its account, all follow ---- */
/* Is it known what own settings take here? A prior knows other programs: then own settings and a candidate must have solved. */
static PetscBool Told(const Solve *s)
{
  if (PolicyPrior(s->run->policy)) return (PetscBool)(s->class->attempt.n && s->class->own_solve.n);
  return (PetscBool)(s->run->decision.expected > 0);
}

/* Are the program's own settings what is tried, for they may last for several operators? */
static PetscBool Own(const Solve *s)
{
  return (PetscBool)(SolveByPrior(s) && s->run->candidate == POSTERIOR_LASTING);
}

/* A set-up of the program's own that did not wait is paid already. */
PetscErrorCode DecideExpect(Solve *s)
{
  PetscBool setup;
  double    guess, entries;

  PetscFunctionBegin;
  PetscCall(OwnSetUpIsDue(s->ksp, &setup));
  if (InnerReady(&s->run->inner, &s->run->decision.settings, &s->op, ContractNorm(&s->contract))) setup = PETSC_FALSE;
  PetscCall(NestedEntries(s->op.given, MAT_LOCAL, &entries));
  guess = OWN * CLOCK_PASS * entries;
  if (s->contract.kind == CONTRACT_DIRECT && setup) guess = fmax(guess, CLOCK_FACTOR * pow((double)s->op.rows, 1.5));
  s->expected = ClassOwn(s->class, s->run->decided ? &s->run->decision : NULL, setup, guess);
  s->budget   = s->run->runner->budget * s->expected;
  if (!Told(s) && !s->class->attempt.n && (s->class->own_solve.n || PolicyPrior(s->run->policy)))
    s->budget = fmin(s->budget, (s->class->own_solve.n && !Own(s) ? 1 : FORESEEN) * s->expected);
  if (SolveByPrior(s))
    s->budget = fmin(s->budget, SolveProbes(s) ? PROBE * s->run->attempt : fmax(SURPRISE * s->run->attempt, s->expected / 2));
  if (!s->class->own_solve.n && PolicyIsConstant(s->run->policy))
    s->budget = fmax(s->budget, ACCOUNT_PINNED); /* what was guessed of own settings may be wrong by hundreds of times */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Meshes are refined, and the last solve takes as long as all others: is it worth a coarse one to know what own settings take? */
static PetscBool Unsure(const Solve *s)
{
  const Runner *r = s->run->runner;

  return (PetscBool)(PolicyPrior(s->run->policy) && s->class->unsure && !s->class->own_solve.n &&
                     s->expected <= COARSE * r->account.own);
}

/* Would an attempt be expected to lose more than the account has? */
static PetscBool Overdrawn(const Solve *s)
{
  const Runner *r     = s->run->runner;
  const double  least = PolicyIsConstant(s->run->policy) ? ACCOUNT_PINNED : ACCOUNT_LEAST;
  const double  prior = s->run->proven ? ACCOUNT_PROVEN : ACCOUNT_PRIOR, model = Told(s) ? ACCOUNT_FREE : ACCOUNT_DOUBT;
  const double  free = PolicyPrior(s->run->policy) ? prior : model;
  const double  loss = Own(s) || s->preconditioner == PRECONDITIONER_KEPT
                       ? 0
                       : ClassLoss(s->class, s->expected, fmin(s->budget, USUAL * s->expected));

  return (PetscBool)(loss > AccountCredit(&r->account, least, free, s->expected) ||
                     loss > AccountCredit(&s->class->account, least, free, s->expected));
}

static Why Forbidden(Solve *s)
{
  const Runner *r = s->run->runner;

  if (r->trial) return WHY_NOT;
  if (r->advises) return WHY_ADVISED;
  if (s->class->pause > 0) return WHY_PAUSED;
  if (ClassMeasureDue(s->class, Told(s), PolicyPrior(s->run->policy) ? s->expected : 0)) return WHY_MEASURED;
  if (Unsure(s)) return WHY_MEASURED;
  return Overdrawn(s) ? WHY_OVERDRAWN : WHY_NOT;
}

/* Own settings are given up for an attempt, which may fail as well as any other. Rank 0 says. Collective. */
static PetscErrorCode HowPatient(Solve *s)
{
  s->patience = s->run->decision.patience;

  PetscFunctionBegin;
  if (s->patience > 0 && !s->run->runner->trial && Overdrawn(s)) s->patience = INFINITY;
  PetscCallMPI(MPI_Bcast(&s->patience, 1, MPI_DOUBLE, 0, PetscObjectComm((PetscObject)s->ksp)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode StepDecide(Solve *s)
{
  Runner *r = s->run->runner;

  PetscFunctionBegin;
  if (!r->policy || PolicyIsDefault(r->policy)) {
    ToOwn(s, r->policy ? WHY_OWN_BEST : WHY_NO_MODEL);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  s->looked = s->run->decided;
  s->small  = (PetscBool)(!s->looked && s->op.rows < PolicyLeastRows(r->policy));
  if (s->small) {
    s->patience = LOOKS * PolicyLook(r->policy);
    ToOwn(s, WHY_SMALL);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!s->looked) PetscCall(KeepDecide(s));
  if (s->preconditioner == PRECONDITIONER_KEPT) s->run->decided = PETSC_TRUE;
  else if (!s->looked) PetscCall(DecideLook(s));
  else if (PolicyPrior(s->run->policy)) PetscCall(ChooseAgain(s));
  s->step = STEP_PERMIT;
  if (!s->run->decision.why) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DecideExpect(s));
  snprintf(s->detail, sizeof s->detail, "%s", s->run->decision.detail);
  PetscCall(HowPatient(s));
  ToOwn(s, s->run->decision.why);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode StepPermit(Solve *s)
{
  Why       why;
  int       all;
  PetscBool again;

  PetscFunctionBegin;
  PetscCall(DecideExpect(s));
  why = Forbidden(s);
  PetscCall(ChooseProven(s, (PetscBool)(why == WHY_OVERDRAWN), &again));
  if (again) PetscCall(DecideExpect(s));
  if (again) why = Forbidden(s);
  if (!why) PetscCall(PermitAttempt(s, &why));
  all = why;
  PetscCallMPI(MPI_Bcast(&all, 1, MPI_INT, 0, PetscObjectComm((PetscObject)s->ksp)));
  if (s->class->pause > 0) s->class->pause--;
  s->step = STEP_MODEL;
  if (all) ToOwn(s, (Why)all);
  PetscFunctionReturn(PETSC_SUCCESS);
}
