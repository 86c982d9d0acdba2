/* journal.c - one JSON line about a solve: who has answered, why, in which time. */
#include "left.h"
#include "runner.h"
#include <math.h>
#include <string.h>

static const char *const sources[]         = {"model", "second", "switched", "fallback", "refused"};
static const char *const origins[]         = {"zero", "program", "learned", "earlier"};
static const char *const preconditioners[] = {"built", "updated", "kept", "rebuilt"};
static const char *const whys[WHY_COUNT]   = {
  [WHY_NOT]               = "",
  [WHY_NO_NORM]           = "a fixed number of iterations without norm",
  [WHY_OWN_TEST]          = "a convergence test that may look at more than norm, iteration and solution",
  [WHY_COUNTS_ITERATIONS] = "converges by number of iterations",
  [WHY_SCALED]            = "diagonally scaled operator",
  [WHY_KNOLL]             = "guess from the program's preconditioner",
  [WHY_SPECTRUM]          = "singular values are asked for",
  [WHY_TRANSFORMED]       = "the program's preconditioner transforms the system",
  [WHY_NO_OPERATOR]       = "no operator yet",
  [WHY_TWO_MATRICES]      = "a direct solve with another matrix than the operator",
  [WHY_NO_PRODUCT]        = "the operator has no product with a vector, or another size than the preconditioning matrix",
  [WHY_NOT_ROWS]          = "the preconditioning matrix is no assembled, square AIJ, BAIJ, SBAIJ or nested matrix",
  [WHY_NESTED]            = "the vectors are nested ones",
  [WHY_ZERO]              = "the right-hand side is zero, or too small to be relative to",
  [WHY_NOT_FINITE]        = "the norm of the right-hand side is not finite",
  [WHY_MONITORED]         = "monitors that may ask for more than norms, or a history of errors",
  [WHY_VIEWED]            = "a viewer shows the program's preconditioner, which has to be set up",
  [WHY_NOISY]             = "products with the operator are not exact: the program's own answers are looked at first",
  [WHY_FIRST]             = "rows seem to be in different units: the program's own answers are looked at first",
  [WHY_NO_MODEL]          = "there is no model",
  [WHY_OWN_BEST]          = "the model found the program's own settings best",
  [WHY_OFF]               = "this class of operators is turned off",
  [WHY_SMALL]             = "so small that a look at it would cost too much",
  [WHY_DEAR]              = "looks at such systems have cost as much as they may",
  [WHY_UNFAMILIAR]        = "unfamiliar",
  [WHY_NO_GAIN]           = "no other settings are expected to gain enough",
  [WHY_ADVISED]           = "only advice was asked for",
  [WHY_PAUSED]            = "paused after attempts that failed or took too long",
  [WHY_MEASURED]          = "the program's own settings are measured now and then",
  [WHY_OVERDRAWN]         = "another attempt might cost more than was gained so far",
  [WHY_SLOW_SETUP]        = "the set-up is expected to take longer than a solve may, as it did before",
  [WHY_MEMORY]            = "the set-up might need more memory than there is",
  [WHY_UNEQUAL]           = "the settings may give another answer in each run on several ranks",
  [WHY_RAISES]            = "the settings would divide by zero on this system, or not return",
  [WHY_ABANDONED]         = "too many attempts ended in an error",
  [WHY_GIVEN_UP]          = "the program's own settings were given up",
  [WHY_BOTH_FAILED]       = "own and chosen settings failed",
  [WHY_SETUP_FAILED]      = "the settings cannot be set up",
  [WHY_PC_FAILED]         = "DIVERGED_PC_FAILED: the preconditioner could not be computed",
  [WHY_ERROR]             = "PETSc reported an error in the solve",
  [WHY_LATE]              = "the time budget was used up",
  [WHY_HOPELESS]          = "the attempt was given up",
  [WHY_DIVERGED]          = "diverged",
  [WHY_NOT_ACCEPTED]      = "the program's own test does not accept the answer",
  [WHY_WRONG]             = "the true residual is above the tolerance",
};

const char *JournalWhy(const Solve *s)
{
  return *s->detail ? s->detail : s->why == WHY_NO_MODEL ? s->run->runner->broken : whys[s->why];
}

static void Begin(Text *t, const Runner *r)
{
  TextAdd(t, "{\"run\":\"%s\",\"time\":", r->journal.run);
  TextTime(t);
}

static void AddFew(Text *t, double x) /* digits, of what nobody needs exactly */
{
  if (isfinite(x)) TextAdd(t, "%.7g", x);
  else TextPut(t, "null");
}

static void AddDecimal(Text *t, const char *name, double x)
{
  TextPut(t, "\"");
  TextPut(t, name);
  TextPut(t, "\":");
  TextDecimal(t, x);
}

/* What became of the preconditioner of an attempt that had an operator not seen in the last solve. */
static void AddPreconditioner(Text *t, const Solve *s)
{
  const PetscBool tried = (PetscBool)(s->source != SOURCE_REFUSED && !s->own && s->fresh);

  TextAdd(t, ",\"preconditioner\":\"%s\",\"moved\":", tried ? preconditioners[s->preconditioner] : "");
  TextDecimal(t, s->change);
}

static void AddProbe(Text *t, const Solve *s)
{
  const Point   *p = &s->run->place;
  const Numbers *n = s->lesson.found ? &s->lesson.numbers : &s->class->numbers;

  TextPut(t, ",\"probe\":");
  if (!s->probed) return TextPut(t, "null");
  TextAdd(t, "{\"step\":%d,\"numbers\":{", n->step);
  for (int i = 0; i < p->n; i++) {
    if (i) TextPut(t, ",");
    TextAdd(t, "\"%s\":", n->of[i].name);
    AddFew(t, NumberValue(&n->of[i], p->at[i]));
  }
  TextPut(t, "},");
  AddDecimal(t, "apart", s->apart);
  if (s->lesson.found) TextAdd(t, ",\"sign\":%d}", (int)s->lesson.finding);
  else TextPut(t, ",\"sign\":null}");
}

static void AddSettings(Text *t, const Solve *s)
{
  const Settings *chosen = &s->run->decision.settings;
  const Prior     prior  = s->run->decided && s->class ? PolicyPrior(s->run->policy) : NULL;

  TextPut(t, ",\"settings\":{");
  for (int i = 0; s->source != SOURCE_REFUSED && !s->own && i < chosen->n; i++) {
    TextAdd(t, "%s\"%s\":", i ? "," : "", chosen->name[i]);
    TextString(t, chosen->value[i]);
  }
  TextPut(t, "},\"candidate\":");
  TextString(t, prior ? s->run->candidate < 0 ? "" : PosteriorName(prior, s->run->candidate) : "");
  TextPut(t, ",\"foreseen\":");
  TextDecimal(t, prior && s->run->candidate >= 0 ? s->run->foreseen : NAN);
  if (SolveUnfamiliar(s)) {
    TextPut(t, ",\"unfamiliar\":");
    TextString(t, s->run->unfamiliar);
  }
  TextPut(t, ",\"unused\":");
  TextString(t, s->unused);
  AddPreconditioner(t, s);
  AddProbe(t, s);
}

static void AddSeconds(Text *t, const Solve *s)
{
  static const char *const names[] = {"decision", "guess", "own", "setup", "solve", "verify", "fallback", "total"};
  const double seconds[]           = {s->decision, s->guessing, s->own_solve, s->setup, s->solve, s->verify, s->fallback, s->total};

  TextPut(t, ",\"seconds\":{");
  for (int i = 0; i < (int)(sizeof names / sizeof *names); i++) {
    if (i) TextPut(t, ",");
    AddDecimal(t, names[i], seconds[i]);
  }
  TextPut(t, "}");
}

static void AddClass(Text *t, Class c)
{
  char name[CLASS_NAME];

  ClassName(c, name);
  TextPut(t, ",\"class\":");
  TextString(t, name);
}

static void Line(Solve *s)
{
  const Contract *c      = &s->contract;
  const Runner   *r      = s->run->runner;
  const KSP       ksp    = s->ksp;
  const char     *prefix = ((PetscObject)ksp)->prefix;
  Text           *t      = &s->run->last;
  const PetscBool known  = (PetscBool)(c->bnorm > 0 && isfinite(c->bnorm));
  const PetscReal zero   = c->judge.measure == MEASURE_NORM ? c->bnorm : c->zero;
  PetscMPIInt     size;
  PetscInt        rows;

  MPI_Comm_size(PetscObjectComm((PetscObject)ksp), &size);
  (void)VecGetSize(ksp->vec_rhs, &rows);
  t->used = 0;
  Begin(t, r);
  TextAdd(t, ",\"solve\":%lld,\"prefix\":", (long long)r->solves);
  TextString(t, prefix ? prefix : "");
  TextAdd(t, ",\"rows\":%lld,\"ranks\":%d,\"source\":\"%s\",\"why\":", (long long)rows, (int)size, sources[s->source]);
  TextString(t, JournalWhy(s));
  AddClass(t, s->class);
  AddSettings(t, s);
  TextAdd(t, ",\"new_operator\":%s,\"reason\":%d,\"iterations\":%lld,\"true_residual\":", s->fresh ? "true" : "false",
          (int)ksp->reason, (long long)ksp->its);
  AddFew(t, known ? s->residual / zero : c->bnorm == 0 ? 0 : NAN);
  TextPut(t, ",\"tolerance\":");
  AddFew(t, c->kind == CONTRACT_OWN_TEST ? NAN : known && c->target > 0 ? c->target / zero : ksp->rtol);
  TextAdd(t, ",\"contract\":\"%s\",\"measure\":\"%s\"", ContractKinds[c->kind], MeasureNames[c->judge.measure]);
  TextAdd(t, ",\"start\":\"%s\",\"guess\":", origins[s->origin]);
  AddFew(t, known ? s->start / c->bnorm : NAN);
  TextPut(t, ",\"own_expected\":");
  TextDecimal(t, s->expected > 0 ? s->expected : NAN);
  TextPut(t, ",\"own_taken\":");
  TextDecimal(t, s->own_measured > 0 ? s->own_measured : NAN);
  TextPut(t, ",\"canary\":");
  TextDecimal(t, s->canary > 0 ? s->canary : NAN);
  AddSeconds(t, s);
  TextPut(t, ",\"account\":{");
  AddDecimal(t, "own", r->account.own);
  TextPut(t, ",");
  AddDecimal(t, "taken", r->account.taken);
  TextPut(t, "}");
  if (ClockCounts()) {
    TextPut(t, ",");
    AddDecimal(t, "wall", s->wall);
  }
  if (s->learned) JournalLesson(t, s);
  TextPut(t, "}\n");
}

/* Where solves are so short that nobody looks at them, a line would cost more than it tells, but for one that has failed. */
static PetscBool Short(const Solve *s)
{
  return (PetscBool)((s->why == WHY_SMALL || s->why == WHY_DEAR) && s->ksp->reason > 0 && s->run->runner->journal.path[0]);
}

void JournalWrite(Solve *s)
{
  Runner *r = s->run->runner;

  if (Short(s)) {
    r->left[s->why]++;
    return TextFree(&s->run->last);
  }
  if (PolicyPrior(s->run->policy)) s->learned = StateLearn(&r->state, s->class, &s->lesson);
  Line(s);
  (void)JournalAppend(&r->journal, &s->run->last);
}

static void Rest(Runner *r, const char *why, PetscInt solves)
{
  Text line = {0};

  Begin(&line, r);
  TextPut(&line, ",\"source\":\"left\",\"why\":");
  TextString(&line, why);
  TextAdd(&line, ",\"solves\":%lld}\n", (long long)solves);
  (void)JournalAppend(&r->journal, &line);
  TextFree(&line);
}

PetscBool JournalSaves(Runner *r)
{
  Text      line = {0};
  PetscBool told;

  Begin(&line, r);
  TextAdd(&line, ",\"source\":\"state\",\"before\":\"%s\",\"state\":\"%s\"}\n", r->state.before, r->state.id);
  told = JournalAppend(&r->journal, &line);
  TextFree(&line);
  return told;
}

void JournalLeft(Runner *r)
{
  for (int i = 0; i < WHY_COUNT; i++) {
    if (r->left[i]) Rest(r, whys[i], r->left[i]);
    r->left[i] = 0;
  }
}

/* A line for each why; a program that has solved nothing at all has one that says so. */
void JournalEnd(Runner *r)
{
  const char *why;
  PetscInt    solves, left = 0;

  for (int i = 0; (why = LeftKind(i, &solves)); i++) {
    if (solves) Rest(r, why, solves);
    left += solves;
  }
  JournalLeft(r);
  if (!left && !r->solves) Rest(r, "no linear system was solved with a KSP", 0);
}
