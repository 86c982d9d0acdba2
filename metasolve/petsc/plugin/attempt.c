/*
   attempt.c - the model's settings: permitted, tried under a budget, verified against the contract, tried again by a second choice.
*/
#include "runner.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Seconds. Below the first a clock on the wall tells more about the machine than about the solve. */
#define SHORTEST_BUDGET    0.02
#define SHORTEST_PROCESSOR 0.004
#define ABANDONED          4    /* inner solvers left behind after errors; no more are risked */
#define NEARLY             100  /* times the target: worth going on from ... */
#define REFINED            1e6  /* ... where an exact answer is asked for, each time a part of what was left out is found ... */
#define REFINEMENTS        4    /* ... at most so often */
#define BETTER             0.5  /* of the measure before: otherwise it is no use */
#define FACTOR_BYTES       16.0 /* of a factor's entry, with its index */

static double BudgetProcessor(const Solve *s)
{
  return fmax(s->budget, SHORTEST_PROCESSOR);
}

static double BudgetWall(const Solve *s)
{
  return fmax(s->budget, SHORTEST_BUDGET);
}

static const char *Setting(const Settings *s, const char *name)
{
  for (int i = 0; i < s->n; i++)
    if (!strcmp(s->name[i], name)) return s->value[i];
  return "";
}

/* ---- may it be tried? ---- */
static PetscBool Factors(const Settings *s)
{
  const char *type = Setting(s, "pc_type"), *sub = Setting(s, "sub_pc_type");

  return (PetscBool)(!strcmp(type, "lu") || !strcmp(type, "cholesky") || !strcmp(sub, "lu") || !strcmp(sub, "cholesky"));
}

/* Bytes of a factor of the whole matrix: of a three-dimensional grid in nested dissection, or in the order it is in. */
static double FactorBytes(const Settings *s, PetscInt rows)
{
  const char  *type    = Setting(s, "pc_type");
  const double natural = !strcmp(Setting(s, "pc_factor_mat_ordering_type"), "natural") ? 5. / 3 : 4. / 3;

  return strcmp(type, "lu") && strcmp(type, "cholesky") ? 0 : FACTOR_BYTES * 8 * pow((double)rows, natural);
}

/* What the system could give without swapping; infinite where it does not say. */
static double FreeBytes(void)
{
  FILE  *file = fopen("/proc/meminfo", "r");
  char   line[256];
  double kilobytes = INFINITY;

  while (file && fgets(line, sizeof line, file))
    if (!strncmp(line, "MemAvailable:", 13)) kilobytes = strtod(line + 13, NULL);
  if (file) fclose(file);
  return 1024 * kilobytes;
}

static const Overrun *OverrunOf(const Runner *r, const char *type)
{
  for (int i = 0; i < r->overruns; i++)
    if (!strcmp(r->overrun[i].type, type)) return &r->overrun[i];
  return NULL;
}

/* Seconds that a set-up would take here, from one that overran elsewhere. A factorisation grows with the square of the rows. */
static double SetUpSeconds(const Overrun *o, const Solve *s)
{
  const PetscBool factor = (PetscBool)(!strcmp(o->type, PCLU) || !strcmp(o->type, PCCHOLESKY));

  return o->seconds * pow((double)s->op.rows / (double)o->rows, factor ? 2 : 1);
}

static PetscBool SlowSetUp(const Solve *s)
{
  const Overrun *o = OverrunOf(s->run->runner, Setting(&s->run->decision.settings, "pc_type"));

  return (PetscBool)(o && SetUpSeconds(o, s) > BudgetWall(s));
}

PetscErrorCode AttemptPermit(Solve *s, Why *why)
{
  const Settings *chosen = &s->run->decision.settings;
  const Runner   *r      = s->run->runner;

  PetscFunctionBegin;
  if (r->abandoned >= ABANDONED) *why = WHY_ABANDONED;
  else if (r->trial || InnerReady(&s->run->inner, chosen, &s->op, ContractNorm(&s->contract))) PetscFunctionReturn(PETSC_SUCCESS);
  else if (SlowSetUp(s)) *why = WHY_SLOW_SETUP;
  else if (Factors(chosen) && FactorBytes(chosen, s->op.rows) > FreeBytes() / 2) *why = WHY_MEMORY;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- tried ---- */
static void NoteOverrun(Solve *s, double seconds)
{
  Runner     *r    = s->run->runner;
  const char *type = Setting(&s->run->inner.settings, "pc_type");
  Overrun    *o    = (Overrun *)OverrunOf(r, type);

  if (seconds <= BudgetWall(s) || (o && seconds <= SetUpSeconds(o, s))) return;
  if (!o && r->overruns == METASOLVE_TYPES) return;
  if (!o) o = &r->overrun[r->overruns++];
  snprintf(o->type, sizeof o->type, "%s", type);
  o->rows    = s->op.rows;
  o->seconds = seconds;
}

static PetscErrorCode SetUp(Solve *s, PetscLogDouble *clock)
{
  InnerState state;
  double     before = s->setup, processor = ProcessorTime();

  PetscFunctionBegin;
  PetscCall(InnerSetUp(&s->run->inner, s->ksp, &s->run->decision.settings, &s->op, ContractNorm(&s->contract), &state));
  s->setup += Lap(clock);
  NoteOverrun(s, fmin(s->setup - before, ProcessorTime() - processor)); /* a busy machine is no fault of the set-up's */
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
  s->why = l->late ? WHY_LATE : reason < 0 ? WHY_DIVERGED : WHY_WRONG;
  if (l->late) snprintf(s->detail, sizeof s->detail, "time budget of %.3g s used up", BudgetProcessor(s));
  else if (reason < 0) snprintf(s->detail, sizeof s->detail, "%s", KSPConvergedReasons[reason]);
  else if (s->contract.kind == CONTRACT_OWN_TEST) s->why = WHY_NOT_ACCEPTED;
  else
    snprintf(s->detail, sizeof s->detail, "reported %s, but the true residual is %.3g times the tolerance",
             KSPConvergedReasons[reason], (double)(s->residual / s->contract.target));
}

/* One solve from vec_sol as it is or from zero, and the residual recomputed. */
static PetscErrorCode Once(Solve *s, Limits *limits, PetscBool guess, PetscLogDouble *clock)
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
  if (s->why || l->late || s->its >= s->ksp->max_it) return PETSC_FALSE;
  if (s->contract.kind == CONTRACT_OWN_TEST) return (PetscBool)(s->run->inner.ksp->reason > 0); /* of a norm carried along */
  return (PetscBool)(s->residual < (s->contract.kind == CONTRACT_DIRECT ? REFINED : NEARLY) * s->contract.target);
}

/* From where the solve has left off, once more; where an exact answer is asked for, as long as that helps. */
static PetscErrorCode GoOn(Solve *s, Limits *limits, PetscLogDouble *clock, PetscBool *ok)
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

/* *ok: vec_sol meets the contract. Otherwise why says what went wrong. */
static PetscErrorCode Try(Solve *s, PetscBool *ok)
{
  PetscBool      made = (PetscBool)!InnerReady(&s->run->inner, &s->run->decision.settings, &s->op, ContractNorm(&s->contract));
  PetscLogDouble clock;
  Limits         limits;

  PetscFunctionBegin;
  *ok         = PETSC_FALSE;
  s->its      = 0;
  s->why      = WHY_NOT;
  s->course.n = 0;
  PetscCall(PetscTime(&clock));
  limits = (Limits){.target     = s->contract.target,
                    .divergence = s->ksp->divtol,
                    .processor  = ProcessorTime() + BudgetProcessor(s),
                    .deadline   = clock + BudgetWall(s),
                    .course     = &s->course,
                    .test       = s->contract.kind == CONTRACT_OWN_TEST ? ContractAsk : NULL,
                    .asked      = &s->contract,
                    .look       = s->contract.judge.measure == MEASURE_NORM ? NULL : JudgeIterate,
                    .judge      = &s->contract.judge};
  if (made) PetscCall(SetUp(s, &clock));
  if (s->why) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Once(s, &limits, s->guess, &clock));
  PetscCall(InnerForgetOptions(&s->run->inner, s->unused));
  PetscCall(Met(s, ok));
  PetscCall(GoOn(s, &limits, &clock, ok));
  if (!*ok && !s->why) WhyFailed(s, &limits);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AttemptStart(Solve *s)
{
  PetscFunctionBegin;
  PetscCall(JudgeAnswer(&s->contract.judge, s->ksp->vec_sol, &s->residual));
  if (!s->onlookers && isless(s->residual, s->contract.zero)) s->guess = PETSC_TRUE;
  else if (s->x0) PetscCall(VecCopy(s->x0, s->ksp->vec_sol));
  else PetscCall(VecZeroEntries(s->ksp->vec_sol));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AttemptModel(Solve *s, PetscBool *ok)
{
  int  again = s->run->runner->abandoned < ABANDONED;
  char first[128];
  Why  why;

  PetscFunctionBegin;
  PetscCall(Try(s, ok));
  if (*ok) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallMPI(MPI_Bcast(&again, 1, MPI_INT, 0, PetscObjectComm((PetscObject)s->ksp)));
  if (!again || !PolicySecond(s->run->runner->policy, &s->run->decision)) PetscFunctionReturn(PETSC_SUCCESS);
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
  const double seconds = s->setup + s->solve + s->verify;
  int          slow    = seconds > BudgetWall(s) && !s->run->runner->trial;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Bcast(&slow, 1, MPI_INT, 0, PetscObjectComm((PetscObject)s->ksp)));
  PetscCall(MirrorAnswer(s));
  if (!slow) ClassAnswered(s->class, seconds, &s->lesson);
  else ClassFailed(s->class, &s->lesson); /* slow success is no success */
  PetscFunctionReturn(PETSC_SUCCESS);
}
