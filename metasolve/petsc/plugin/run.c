/*
   run.c - the path of one solve in production, as a state machine. Each step is decided once and names the next one.

                      ADMIT -- not ours, looks too dear ---------------------> OWN -- gives up, or fails --> TAKE_OVER --> DONE
                        |                                                       ^                                |
                      GUESS -- meets the contract --> TAKE_GUESS --> DONE       |                              fails
                        |  \-- with own settings ---> OWN_FROM_GUESS --> DONE   |                                v
                      DECIDE -- no gain, small ---------------------------------+                            FALL_BACK --> DONE
                        |                                                       |                                ^
                      PERMIT -- paused, measured, overdrawn, too slow ----------+                              fails
                        |                                                                                        |
                      MODEL ---------------------------------------------------------------------------------- tried --> DONE

   Where a guess of ours is in vec_sol, OWN is OWN_FROM_GUESS. An answer is accepted only if it meets the contract (contract.h);
   anything else (an error, a stall, a time budget, a wrong residual) ends in the program's own solve, from its own guess.
*/
#include "run.h"
#include "canary.h"
#include "environment.h"
#include "remember.h"
#include <math.h>
#include <stdlib.h>

#define BUDGET 2 /* times what own settings probably need */

static PetscErrorCode (*const steps[])(Solve *) = {
  [STEP_ADMIT]          = StepAdmit,
  [STEP_GUESS]          = StepGuess,
  [STEP_DECIDE]         = StepDecide,
  [STEP_PERMIT]         = StepPermit,
  [STEP_TAKE_GUESS]     = StepTakeGuess,
  [STEP_OWN_FROM_GUESS] = StepOwnFromGuess,
  [STEP_OWN]            = StepOwn,
  [STEP_MODEL]          = StepModel,
  [STEP_TAKE_OVER]      = StepTakeOver,
  [STEP_FALL_BACK]      = StepFallBack,
};

static PetscErrorCode Finish(Solve *s, double begin)
{
  Runner        *r = s->run->runner;
  PetscLogDouble now;
  PetscMPIInt    rank;

  PetscFunctionBegin;
  PetscCall(SeenOwn(s));
  s->total = Lap(&begin);
  s->share = s->own_share = ClockShare(s->turns, s->total);
  PetscCall(PetscTime(&now));
  s->wall = now - s->wall;
  PetscCall(CanarySolve(s));
  if (s->op.readable && (!isnan(s->contract.target) || s->why == WHY_DEAR)) PetscCall(SeenCount(s));
  ChosenLearn(s);
  ClassLearn(s->class, &s->lesson);
  PetscCall(GatherSolve(s));
  s->host->setup = 0;
  r->solves++;
  PetscCallMPI(MPI_Comm_rank(PetscObjectComm((PetscObject)s->ksp), &rank));
  if (!rank) JournalWrite(s);
  if (s->learned) RememberNow(r, begin);
  PetscCall(VecDestroy(&s->x0));
  CourseFree(&s->course);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the operations of a session ---- */
static PetscErrorCode RunOf(Host *h, Run **run)
{
  PetscFunctionBegin;
  if (!h->state) {
    PetscCall(PetscNew(run));
    (*run)->runner   = (Runner *)h->session->data;
    (*run)->policy   = (*run)->runner->policy;
    (*run)->recorded = (Recorded){.previous = &(*run)->previous, .scales = &(*run)->scales, .twin = &(*run)->twin};
    h->state         = *run;
  }
  *run = (Run *)h->state;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunSolve(KSP ksp, Host *h)
{
  Solve s = {
    .ksp      = ksp,
    .host     = h,
    .source   = SOURCE_MODEL,
    .origin   = ksp->guess_zero ? ORIGIN_ZERO : ORIGIN_PROGRAM,
    .residual = NAN,
    .start    = NAN,
    .change   = NAN,
    .contract = {.bnorm = NAN, .target = NAN}
  };
  double begin = ClockNow(), clock = begin;

  PetscFunctionBegin;
  PetscCall(PetscTime(&s.wall));
  s.turns = ClockTurns();
  PetscCall(RunOf(h, &s.run));
  PetscCall(GatherStart(&s));
  while (s.step != STEP_DONE) {
    const Step step = s.step;
    PetscCall(steps[step](&s));
    if (step <= STEP_PERMIT) s.decision += Lap(&clock);
  }
  PetscCall(Finish(&s, begin));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Before there is a right-hand side: might a model or a guess act? Rank 0 says, for set-up is collective. */
static PetscErrorCode RunMayAct(KSP ksp, Host *h, PetscBool *may)
{
  Run     *run;
  Why      why = WHY_NOT;
  Operator op;
  Class class;
  int act;

  PetscFunctionBegin;
  *may = PETSC_FALSE;
  PetscCall(RunOf(h, &run));
  if (!run->runner->policy) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ContractRead(ksp, &why));
  PetscCall(OperatorOf(ksp, &op, &why));
  if (why) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ClassFind(&run->runner->classes, ksp, &op, &class));
  act = !PolicyIsDefault(run->runner->policy) && !class->pause && op.rows >= PolicyLeastRows(run->runner->policy);
  act = (act || run->runner->guess) && !ClassIsOff(class);
  PetscCallMPI(MPI_Bcast(&act, 1, MPI_INT, 0, PetscObjectComm((PetscObject)ksp)));
  *may = (PetscBool)act;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunReset(void *state)
{
  Run *r = (Run *)state;

  PetscFunctionBegin;
  PetscCall(ShelfPut(r));
  PetscCall(InnerDestroy(&r->inner));
  PetscCall(CycleFree(&r->cycle));
  PetscCall(SpanFree(&r->earlier.span));
  PetscCall(PreviousFree(&r->previous));
  PetscCall(ScalesFree(&r->scales));
  PetscCall(TwinFree(&r->twin));
  r->op = r->recorded.op = (Operator){0};
  r->dear[0]             = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunDestroy(void *state)
{
  Run *r = (Run *)state;

  PetscFunctionBegin;
  PetscCall(RunReset(state));
  TextFree(&r->last);
  PetscCall(PetscFree(r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunEnd(void *data)
{
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (!rank) JournalEnd((Runner *)data);
  if (!rank) RememberEnd((Runner *)data);
  PetscCall(ShelfClear((Runner *)data));
  ((Runner *)data)->ended = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunnerDestroy(void *data)
{
  Runner *r = (Runner *)data;

  PetscFunctionBegin;
  JournalLeft(r);
  RememberEnd(r);
  PetscCall(ShelfClear(r));
  PolicyRelease(r->policy);
  PolicyRelease(r->prior);
  NewtonGuessFree(r->newton);
  ClassFree(&r->classes);
  free(r->state.learned);
  JournalFree(&r->journal);
  PetscCall(GatherFree(&r->gathering));
  PetscCall(PetscFree(r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const HostOps RunOps = {.mayact = RunMayAct, .solve = RunSolve, .reset = RunReset, .destroy = RunDestroy};

/* The prior beside a model of one workload. A run can do without it. */
static PetscErrorCode LoadPrior(MPI_Comm comm, const char *prior, PetscMPIInt rank, Runner *r)
{
  char why[sizeof r->broken];

  PetscFunctionBegin;
  if (!prior || !r->policy || PolicyPrior(r->policy) || PolicyIsConstant(r->policy)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PolicyLoad(comm, prior, &r->prior, why, sizeof why));
  if (!r->prior && !rank)
    fprintf(stderr,
            "metasolve: the prior: %s; what is unlike what the model has learned from is left to the program's own settings\n",
            why);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Load(MPI_Comm comm, const char *model, PetscMPIInt rank, Runner *r)
{
  PetscFunctionBegin;
  PetscCall(PolicyLoad(comm, model, &r->policy, r->broken, sizeof r->broken));
  if (r->policy && !r->advises) PetscCall(GuessLoad(comm, model, &r->guess, r->broken, sizeof r->broken));
  if (r->policy && !r->advises && EnvironmentAsked()->inputs)
    PetscCall(NewtonGuessLoad(comm, model, &r->newton, r->broken, sizeof r->broken));
  if (!rank && *r->broken)
    fprintf(stderr, "metasolve: %s; %s\n", r->broken,
            r->policy ? "the model is used without it" : "every solve is left to the program's own settings");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Model, prior and log are the same on all ranks, as what is asked is. */
PetscErrorCode RunSession(MPI_Comm comm, const char *model, const char *prior, const char *log, PetscBool trial, Session **session)
{
  const Environment *asked = EnvironmentAsked();
  PetscMPIInt        rank;
  PetscBool          state;
  char               id[STATE_ID] = "";
  Runner            *r;
  Session           *s;

  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  PetscCall(PetscNew(&r));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!trial) ClockCount(asked->deterministic);
  r->budget  = asked->budget > 0 ? asked->budget : BUDGET;
  r->trial   = trial;
  r->canary  = trial ? 0 : fmin(fmax(asked->canary, 0), 1);
  r->advises = asked->advise;
  PetscCall(Load(comm, model, rank, r));
  PetscCall(LoadPrior(comm, prior, rank, r));
  state = (PetscBool)(RunnerPrior(r) && asked->state && !trial);
  if (state) PetscCall(StateLoad(comm, asked->state, RunnerPrior(r), &r->classes, id));
  PetscCall(JournalOpen(comm, log, id, r->canary, &r->journal));
  if (!trial && !r->advises) PetscCall(GatherOpen(comm, r->journal.run, &r->gathering));
  if (state && !asked->deterministic && !asked->freeze && !rank) RememberBegin(r, asked->state);
  *s       = (Session){.ops = &RunOps, .any_prefix = PETSC_TRUE, .data = r, .end = RunEnd, .destroy = RunnerDestroy};
  *session = s;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RunTell(Host *h, int measure, double tolerance)
{
  Run *run;

  PetscFunctionBegin;
  PetscCall(RunOf(h, &run));
  run->known = ContractAttained((Measure)measure, tolerance);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const char *RunLast(Host *h)
{
  const Run *r = h->state && h->session->ops == &RunOps ? (const Run *)h->state : NULL;

  return r && r->last.data ? r->last.data : "";
}
