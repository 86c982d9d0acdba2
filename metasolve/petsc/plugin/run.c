/*
   run.c - a solve in production: features -> policy -> a fresh inner KSP -> recomputed residual -> accepted, or the host's own.

   Where no gain is to be expected the host's own settings solve, watched (watch.c): given up where they seem to need too long.

   Never less accurate than the host asked for: a solution is accepted only if its recomputed |b - A x|_2 meets the host's
   own tolerance, whatever norm the host stops on. Anything else (an error, a stall, a time budget, a wrong residual) ends
   in the host's own solve, from the host's own guess.
*/
#include "metasolve.h"
#include <math.h>
#include <string.h>

#define FAILURES_BEFORE_PAUSE 3
#define LOOKS                 30   /* what a small system must still seem to need to be looked at */
#define SHORTEST_BUDGET       0.02 /* seconds: below that a clock on the wall tells more about the machine than about the solve */
#define SHORTEST_PROCESSOR    0.004

typedef struct { /* of one solve; seconds */
  PetscReal   bnorm, target, residual;
  PetscBool   fresh, guess, own; /* guess: the solve starts from vec_sol as it is; own: the program's own settings */
  PetscBool   small, looked;     /* small: not looked at before it has shown to be hard */
  PetscBool   second;            /* choice, after the first had failed */
  const char *source;
  char        why[256], unused[64];
  double      patience; /* with the program's own settings; 0: any */
  double      start;    /* |b - A x0|_2 of a guess of ours that is used; NaN: there is none */
  double      decision, guessing, own_solve, setup, solve, verify, fallback, total; /* own_solve: given up, or failed */
} Record;

/* ---- may this KSP be accelerated at all? ---- */
static const char *WhyNotPolicy(const Host *h)
{
  if (!h->session->policy) return h->session->broken;
  if (PolicyIsDefault(h->session->policy)) return "the model found the program's own settings best";
  if (h->pause > 0) return "paused after repeated fallbacks";
  return NULL;
}

static PetscErrorCode IsSmall(KSP ksp, const Host *h, PetscBool *small)
{
  PetscInt rows;
  Mat      A;

  PetscFunctionBegin;
  PetscCall(KSPGetOperators(ksp, &A, NULL));
  PetscCall(MatGetSize(A, &rows, NULL));
  *small = (PetscBool)(rows < PolicyLeastRows(h->session->policy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const char *WhyNotKSP(KSP ksp)
{
  const KSPConvergedDefaultCtx *c = (const KSPConvergedDefaultCtx *)ksp->cnvP;

  if (ksp->normtype == KSP_NORM_NONE) return "a fixed number of iterations without norm";
  if (ksp->converged != KSPConvergedDefault || !c) return "a convergence test of the program's own";
  if (c->convmaxits) return "converges by number of iterations";
  if (ScalesSystem(ksp)) return "diagonally scaled operator";
  if (ksp->guess_knoll) return "guess from the program's preconditioner";
  if (ksp->calc_sings || ksp->calc_ritz) return "singular values are asked for";
  if (ksp->pc->ops->presolve) return "the program's preconditioner transforms the system";
  return NULL;
}

/* *why NULL: this is a plain system, to be solved to a tolerance. */
static PetscErrorCode WhyNotSystem(KSP ksp, const char **why)
{
  PetscBool rows, set;
  Mat       A, P;

  PetscFunctionBegin;
  if ((*why = WhyNotKSP(ksp))) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(KSPGetOperatorsSet(ksp, &set, NULL));
  if (!set) *why = "no operator yet";
  if (*why) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(KSPGetOperators(ksp, &A, &P));
  PetscCall(MatIsRows(A, &rows));
  if (A != P) *why = "operator and preconditioning matrix differ";
  else if (!rows) *why = "the operator is not an assembled, square AIJ matrix";
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RunMayAct(KSP ksp, Host *h, PetscBool *may)
{
  const char *why = NULL;
  PetscBool   not = (PetscBool)(WhyNotPolicy(h) != NULL);

  PetscFunctionBegin;
  *may = PETSC_FALSE;
  if (not && !h->session->guess) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(WhyNotSystem(ksp, &why));
  if (why) PetscFunctionReturn(PETSC_SUCCESS);
  if (!not) PetscCall(IsSmall(ksp, h, &not));
  *may = (PetscBool)(!not || h->session->guess);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- one solve ---- */
static double Budget(const Host *h) /* seconds of the processor */
{
  return PetscMax(h->session->budget * h->decision.expected, SHORTEST_PROCESSOR);
}

static double Lap(PetscLogDouble *since)
{
  PetscLogDouble now, t;

  (void)PetscTime(&now);
  t      = now - *since;
  *since = now;
  return t;
}

/* The norm the recomputed residual must reach: what KSPConvergedDefault() asks for, in the unpreconditioned norm. */
static PetscErrorCode Target(KSP ksp, Record *r)
{
  const KSPConvergedDefaultCtx *c         = (const KSPConvergedDefaultCtx *)ksp->cnvP;
  PetscReal                     reference = r->bnorm, r0;

  PetscFunctionBegin;
  if (r->guess && (c->initialrtol || c->mininitialrtol)) {
    PetscCall(TrueResidual(ksp, NULL, &r0));
    reference = c->initialrtol ? r0 : PetscMin(r0, r->bnorm);
  }
  r->target = PetscMax(ksp->rtol * reference, ksp->abstol);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Decide(KSP ksp, Host *h, const Record *r)
{
  double features[METASOLVE_FEATURES];
  Mat    A;

  PetscFunctionBegin;
  PetscCall(KSPGetOperators(ksp, &A, NULL));
  PetscCall(FeaturesCompute(A, ksp->vec_rhs, r->bnorm, ksp->rtol, ksp->abstol, r->guess, &h->previous, features));
  PetscCallMPI(MPI_Bcast(features, METASOLVE_FEATURES, MPI_DOUBLE, 0, PetscObjectComm((PetscObject)ksp)));
  PolicyDecide(h->session->policy, features, &h->decision);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Failure(const Host *h, const Limits *l, const Record *r, PetscBool error, char why[256])
{
  KSPConvergedReason reason = KSP_CONVERGED_ITERATING;

  if (!error) (void)KSPGetConvergedReason(h->inner, &reason);
  if (error) snprintf(why, 256, "PETSc reported an error in the solve");
  else if (l->late) snprintf(why, 256, "time budget of %.3g s used up", Budget(h));
  else if (reason < 0) snprintf(why, 256, "%s", KSPConvergedReasons[reason]);
  else snprintf(why, 256, "reported %s, but the true residual is %.3g times the tolerance", KSPConvergedReasons[reason], (double)(r->residual / r->target));
}

/* PETSC_TRUE in *ok: vec_sol holds a solution that meets the host's tolerance. */
static PetscErrorCode Try(KSP ksp, Host *h, Record *r, PetscBool *ok)
{
  PetscLogDouble clock;
  PetscBool      error = PETSC_FALSE, reuse = PETSC_FALSE;
  Limits         limits;

  PetscFunctionBegin;
  *ok      = PETSC_FALSE;
  ksp->its = 0;
  PetscCall(PetscTime(&clock));
  limits = (Limits){.target = r->target, .divergence = ksp->divtol, .processor = ProcessorTime() + Budget(h)};
  limits.deadline = clock + PetscMax(Budget(h), SHORTEST_BUDGET);
  if (r->fresh) {
    PetscCall(InnerReusable(ksp, h, &reuse));
    PetscCall(InnerSetUp(ksp, h, reuse, &error));
  }
  r->setup += Lap(&clock);
  if (error) snprintf(r->why, sizeof r->why, "the settings cannot be set up");
  else PetscCall(InnerSolve(ksp, h, &limits, r->guess, &error));
  r->solve += Lap(&clock);
  if (r->fresh && h->inner && !reuse) PetscCall(InnerForgetOptions(h, r->unused));
  if (*r->why) PetscFunctionReturn(PETSC_SUCCESS);
  for (int attempt = 0; !error; attempt++) {
    PetscCall(TrueResidual(ksp, h->previous.work[1], &r->residual));
    r->verify += Lap(&clock);
    *ok = (PetscBool)(r->residual <= r->target);
    if (*ok || attempt || limits.late || !(r->residual < 100 * r->target)) break;
    if (ksp->its + h->inner->its >= ksp->max_it) break;
    ksp->its += h->inner->its; /* nearly there: once more from here */
    PetscCall(InnerSolve(ksp, h, &limits, PETSC_TRUE, &error));
    r->solve += Lap(&clock);
  }
  if (!*ok) Failure(h, &limits, r, error, r->why);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where the last attempt left off if that is nearer than zero, else where the program starts. */
static PetscErrorCode StartAgain(KSP ksp, Host *h, Vec x0, Record *r)
{
  PetscFunctionBegin;
  PetscCall(TrueResidual(ksp, h->previous.work[1], &r->residual));
  if (r->residual < r->bnorm) r->guess = PETSC_TRUE;
  else if (x0) PetscCall(VecCopy(x0, ksp->vec_sol));
  else PetscCall(VecZeroEntries(ksp->vec_sol));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The first choice, and where that fails the second one. */
static PetscErrorCode Accelerate(KSP ksp, Host *h, Vec x0, Record *r, PetscBool *ok)
{
  char first[256];

  PetscFunctionBegin;
  PetscCall(Try(ksp, h, r, ok));
  if (*ok || !PolicySecond(h->session->policy, &h->decision)) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(first, sizeof first, "%s", r->why);
  r->why[0] = 0;
  r->fresh = r->second = PETSC_TRUE;
  PetscCall(StartAgain(ksp, h, x0, r));
  PetscCall(Try(ksp, h, r, ok));
  if (!*ok) snprintf(first + strlen(first), sizeof first - strlen(first), "; second choice: %.120s", r->why);
  snprintf(r->why, sizeof r->why, "%s", first);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Right preconditioning may leave any multiple of the null space in x; the program's own settings add none to its guess. */
static PetscErrorCode ProjectSolution(KSP ksp, Vec x0)
{
  MatNullSpace null;
  Mat          A;

  PetscFunctionBegin;
  PetscCall(KSPGetOperators(ksp, &A, NULL));
  PetscCall(MatGetNullSpace(A, &null));
  if (!null) PetscFunctionReturn(PETSC_SUCCESS);
  if (x0) PetscCall(VecAXPY(ksp->vec_sol, -1, x0));
  PetscCall(MatNullSpaceRemove(null, ksp->vec_sol));
  if (x0) PetscCall(VecAXPY(ksp->vec_sol, 1, x0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Accept(KSP ksp, Host *h, Vec x0, const Record *r)
{
  PetscFunctionBegin;
  PetscCall(ProjectSolution(ksp, x0));
  ksp->its += h->inner->its;
  ksp->rnorm  = r->residual;
  ksp->reason = r->residual <= ksp->abstol ? KSP_CONVERGED_ATOL : KSP_CONVERGED_RTOL;
  PetscCall(KSPLogResidualHistory(ksp, r->residual));
  h->failures = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The program's own solve from its own guess, as if nothing had been tried. */
static PetscErrorCode FromZero(KSP ksp, Host *h, Vec x0, Record *r)
{
  PetscLogDouble clock;

  PetscFunctionBegin;
  PetscCall(PetscTime(&clock));
  r->source = "fallback";
  r->start  = NAN;
  if (x0) PetscCall(VecCopy(x0, ksp->vec_sol));
  else PetscCall(VecZeroEntries(ksp->vec_sol));
  ksp->reason = KSP_CONVERGED_ITERATING; /* as KSPSolve() left them: a method may believe a stale reason and return at once */
  ksp->its    = 0;
  ksp->rnorm  = 0;
  PetscCall(HostSolveOwn(ksp, h));
  r->fallback = Lap(&clock);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Distrust(Host *h)
{
  PetscFunctionBegin;
  snprintf(h->decision.why, sizeof h->decision.why, "fell back before on this operator");
  h->decision.patience = 0;
  PetscCall(KSPDestroy(&h->inner));
  if (++h->failures >= FAILURES_BEFORE_PAUSE) h->pause = 8 << PetscMin(h->failures - FAILURES_BEFORE_PAUSE, 10);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FallBack(KSP ksp, Host *h, Vec x0, Record *r)
{
  PetscFunctionBegin;
  PetscCall(Distrust(h));
  PetscCall(FromZero(ksp, h, x0, r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Write(KSP ksp, Host *h, const Record *r)
{
  Session    *s      = h->session;
  Text       *t      = &h->last;
  const char *prefix = ((PetscObject)ksp)->prefix;
  Settings   *chosen = &h->decision.settings;
  PetscBool   used   = (PetscBool)(strcmp(r->source, "refused") && !r->own);
  PetscMPIInt size;
  PetscInt    rows;
  int         error;

  MPI_Comm_size(PetscObjectComm((PetscObject)ksp), &size);
  (void)VecGetSize(ksp->vec_rhs, &rows);
  t->used = 0;
  TextAdd(t, "{\"solve\":%lld,\"prefix\":", (long long)s->solves);
  TextString(t, prefix ? prefix : "");
  TextAdd(t, ",\"rows\":%lld,\"ranks\":%d,\"source\":\"%s\",\"why\":", (long long)rows, (int)size, r->source);
  TextString(t, r->why);
  TextAdd(t, ",\"settings\":{");
  for (int i = 0; used && i < chosen->n; i++) {
    TextAdd(t, "%s\"%s\":", i ? "," : "", chosen->name[i]);
    TextString(t, chosen->value[i]);
  }
  TextAdd(t, "},\"unused\":");
  TextString(t, r->unused);
  TextAdd(t, ",\"new_operator\":%s,\"reason\":%d,\"iterations\":%lld,\"true_residual\":", r->fresh ? "true" : "false", (int)ksp->reason, (long long)ksp->its);
  TextNumber(t, r->bnorm > 0 ? r->residual / r->bnorm : 0);
  TextAdd(t, ",\"tolerance\":");
  TextNumber(t, r->bnorm > 0 && r->target > 0 ? r->target / r->bnorm : ksp->rtol);
  TextAdd(t, ",\"guess\":");
  TextNumber(t, r->start / r->bnorm);
  TextAdd(t, ",\"seconds\":{\"decision\":%.9f,\"guess\":%.9f,\"own\":%.9f,\"setup\":%.9f,\"solve\":%.9f,\"verify\":%.9f,\"fallback\":%.9f,\"total\":%.9f}}\n", r->decision, r->guessing, r->own_solve, r->setup, r->solve, r->verify, r->fallback, r->total);
  if (!s->log[0] || !t->data) return;
  (void)AppendLine(s->log, t, &error);
  if (!error) return;
  fprintf(stderr, "metasolve: cannot write %s (%s); no more log lines\n", s->log, strerror(error));
  s->log[0] = 0;
}

static PetscErrorCode IsFresh(KSP ksp, Host *h, PetscBool *fresh)
{
  PetscObjectId    id;
  PetscObjectState state;
  Mat              A;

  PetscFunctionBegin;
  PetscCall(KSPGetOperators(ksp, &A, NULL));
  PetscCall(PetscObjectGetId((PetscObject)A, &id));
  PetscCall(PetscObjectStateGet((PetscObject)A, &state));
  *fresh   = (PetscBool)(id != h->id || state != h->state);
  h->id    = id;
  h->state = state;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode LookLate(KSP ksp, void *record, double *patience)
{
  PetscLogDouble clock;
  Record        *r = (Record *)record;
  Host          *h;

  PetscFunctionBegin;
  PetscCall(PetscTime(&clock));
  PetscCall(HostFind(ksp, &h));
  PetscCall(Decide(ksp, h, r));
  *patience = h->decision.patience;
  r->looked = PETSC_TRUE;
  r->decision += Lap(&clock);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sets r->why when the host's own settings are to be used; *plain: a guess may be, all the same. */
static PetscErrorCode Choose(KSP ksp, Host *h, Record *r, PetscBool *plain)
{
  const char *why = NULL, *not = WhyNotPolicy(h);
  Decision   *d   = &h->decision;

  PetscFunctionBegin;
  if (r->fresh) d->why[0] = 0;
  r->looked = (PetscBool)(!r->fresh && (h->inner || *d->why));
  PetscCall(WhyNotSystem(ksp, &why));
  if (!not && !why && !r->looked) PetscCall(IsSmall(ksp, h, &r->small));
  *plain = (PetscBool)(!why && PetscIsNormalReal(r->bnorm));
  if (*plain) PetscCall(Target(ksp, r));
  if (not || why) snprintf(r->why, sizeof r->why, "%s", not ? not : why);
  else if (r->bnorm == 0) snprintf(r->why, sizeof r->why, "the right-hand side is zero");
  else if (!*plain) snprintf(r->why, sizeof r->why, "the norm of the right-hand side is %g", (double)r->bnorm);
  else if (r->small) {
    snprintf(r->why, sizeof r->why, "so small that a look at it would cost too much");
    r->patience = LOOKS * PolicyLook(h->session->policy);
  } else if (!r->looked) {
    r->fresh = PETSC_TRUE;
    PetscCall(Decide(ksp, h, r));
  }
  if (*r->why) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(r->why, sizeof r->why, "%s", d->why);
  r->patience = *d->why ? d->patience : 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Leave(Host *h, const Record *r)
{
  PetscFunctionBegin;
  if (r->fresh) PetscCall(KSPDestroy(&h->inner)); /* it belongs to an operator that is gone */
  if (h->pause > 0) h->pause--;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Refuse(KSP ksp, Host *h, Record *r)
{
  const double   before = r->decision;
  PetscLogDouble clock;

  PetscFunctionBegin;
  PetscCall(PetscTime(&clock));
  r->source = "refused";
  PetscCall(Leave(h, r));
  PetscCall(WatchSolve(ksp, h, r->patience, r->small ? LookLate : NULL, r));
  r->solve = Lap(&clock) - (r->decision - before);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the program's own solve has failed, or was given up: the model's settings, from where it came ---- */
static void WhyOver(KSP ksp, const Watch *w, char why[120])
{
  const char *const own = "the program's own settings";

  if (!w->given_up) snprintf(why, 120, "%s: %s", own, KSPConvergedReasons[ksp->reason]);
  else snprintf(why, 120, "%s: given up at iteration %lld, some %.0f more seemed to be needed", own, (long long)ksp->its, ceil(w->left));
}

/* Whether the model is to be tried now. */
static PetscErrorCode MayTakeOver(KSP ksp, Host *h, Record *r, PetscBool *may)
{
  double patience = r->patience;

  PetscFunctionBegin;
  *may = PETSC_FALSE;
  if (ksp->reason > 0 || !(patience > 0)) PetscFunctionReturn(PETSC_SUCCESS);
  if (r->small && !r->looked) PetscCall(LookLate(ksp, r, &patience));
  *may = (PetscBool)(h->decision.patience > 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TakeOver(KSP ksp, Host *h, Vec x0, Record *r, PetscBool *ok)
{
  const KSPConvergedReason reason = ksp->reason;
  const PetscInt           its    = ksp->its;
  const PetscReal          rnorm  = ksp->rnorm;
  char                     over[120], failed[256];
  Vec                      own = NULL;

  PetscFunctionBegin;
  WhyOver(ksp, &h->watch, over);
  r->own_solve = r->solve;
  r->solve     = 0;
  r->why[0]    = 0;
  if (!h->inner) r->fresh = PETSC_TRUE;
  if (!h->watch.given_up) {
    PetscCall(VecDuplicate(ksp->vec_sol, &own));
    PetscCall(VecCopy(ksp->vec_sol, own));
  }
  PetscCall(StartAgain(ksp, h, x0, r));
  PetscCall(Accelerate(ksp, h, x0, r, ok));
  if (*ok) {
    PetscCall(Accept(ksp, h, x0, r));
    r->source          = "switched";
    h->decision.why[0] = 0; /* on this operator at once, from now on */
    snprintf(r->why, sizeof r->why, "%s", over);
  } else if (h->watch.given_up) PetscCall(FallBack(ksp, h, x0, r));
  else {
    PetscCall(Distrust(h));
    PetscCall(VecCopy(own, ksp->vec_sol));
    ksp->reason = reason;
    ksp->its    = its;
    ksp->rnorm  = rnorm;
    snprintf(failed, sizeof failed, "%s", r->why);
    snprintf(r->why, sizeof r->why, "%s; the model's: %.120s", over, failed);
  }
  PetscCall(VecDestroy(&own));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- a guess of ours, where the program has none ---- */
static void Missed(Host *h)
{
  if (++h->misses >= FAILURES_BEFORE_PAUSE) h->rest = 8 << PetscMin(h->misses - FAILURES_BEFORE_PAUSE, 10);
}

static PetscErrorCode Fits(Host *h, Mat A)
{
  PetscObjectId    id;
  PetscObjectState pattern;

  PetscFunctionBegin;
  PetscCall(PetscObjectGetId((PetscObject)A, &id));
  PetscCall(MatGetNonzeroState(A, &pattern));
  if (id == h->pattern_id && pattern == h->pattern) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(GuessFits(h->session->guess, A, &h->fits));
  h->pattern_id = id;
  h->pattern    = pattern;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Puts it into vec_sol if the residual is smaller there than at zero. */
static PetscErrorCode Begin(KSP ksp, Host *h, Record *r)
{
  const KSPConvergedDefaultCtx *c = (const KSPConvergedDefaultCtx *)ksp->cnvP;
  PetscBool                     made = PETSC_FALSE;
  Mat                           A;

  PetscFunctionBegin;
  if (!h->session->guess || r->guess || c->initialrtol || c->mininitialrtol || h->rest-- > 0) PetscFunctionReturn(PETSC_SUCCESS);
  h->rest = 0;
  PetscCall(KSPGetOperators(ksp, &A, NULL));
  PetscCall(Fits(h, A));
  if (h->fits) PetscCall(GuessMake(h->session->guess, A, ksp->vec_rhs, ksp->vec_sol, &made));
  if (made) PetscCall(TrueResidual(ksp, NULL, &r->residual));
  r->guess = (PetscBool)(made && r->residual < r->bnorm);
  if (r->guess) {
    r->start  = r->residual;
    h->misses = 0;
  } else {
    Missed(h);
    PetscCall(VecZeroEntries(ksp->vec_sol));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The guess meets the tolerance: nothing is set up. */
static PetscErrorCode AcceptStart(KSP ksp, Host *h, Record *r)
{
  PetscFunctionBegin;
  PetscCall(Leave(h, r));
  PetscCall(ProjectSolution(ksp, NULL));
  ksp->its    = 0;
  ksp->rnorm  = r->start;
  ksp->reason = r->start <= ksp->abstol ? KSP_CONVERGED_ATOL : KSP_CONVERGED_RTOL;
  r->own      = PETSC_TRUE;
  r->why[0]   = 0;
  PetscCall(KSPLogResidualHistory(ksp, r->start));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The program's own solve from vec_sol, and on from there until the true residual meets the tolerance. */
static PetscErrorCode OwnToTarget(KSP ksp, Host *h, Record *r)
{
  const PetscReal rtol   = ksp->rtol;
  const PetscInt  max_it = ksp->max_it;
  PetscErrorCode  err    = PETSC_SUCCESS;
  PetscInt        its    = 0;

  PetscFunctionBegin;
  ksp->guess_zero = PETSC_FALSE;
  for (int attempt = 0; !err && attempt < 4 && its < max_it; attempt++) {
    ksp->reason = KSP_CONVERGED_ITERATING;
    ksp->max_it = max_it - its;
    ksp->its    = 0;
    err         = HostSolveOwn(ksp, h);
    its += ksp->its;
    if (!err && ksp->reason > 0) err = TrueResidual(ksp, NULL, &r->residual);
    if (err || ksp->reason < 0 || r->residual <= r->target) break;
    ksp->rtol *= 0.5 * r->target / r->residual; /* its own norm was content too soon */
  }
  ksp->guess_zero = PETSC_TRUE;
  ksp->rtol       = rtol;
  ksp->max_it     = max_it;
  ksp->its        = its;
  PetscCall(err);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The program's own settings, from the guess; from zero if that fails. */
static PetscErrorCode OwnFromGuess(KSP ksp, Host *h, Record *r, PetscBool *ok)
{
  PetscLogDouble clock;

  PetscFunctionBegin;
  PetscCall(PetscTime(&clock));
  PetscCall(Leave(h, r));
  r->own = PETSC_TRUE;
  PetscCall(OwnToTarget(ksp, h, r));
  r->solve  = Lap(&clock);
  *ok       = (PetscBool)(ksp->reason > 0 && r->residual <= r->target);
  r->why[0] = 0;
  if (*ok) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(r->why, sizeof r->why, "%s from a guess, under the program's own settings", KSPConvergedReasons[ksp->reason]);
  h->misses = PetscMax(h->misses, FAILURES_BEFORE_PAUSE - 1);
  Missed(h);
  PetscCall(FromZero(ksp, h, NULL, r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Attempt(KSP ksp, Host *h, Vec x0, Record *r, PetscBool *ok)
{
  PetscFunctionBegin;
  if (!h->pc && !h->asked) PetscCall(HostDefer(ksp, h));
  PetscCall(Accelerate(ksp, h, x0, r, ok));
  if (*ok && r->second) r->source = "second";
  if (*ok) PetscCall(Accept(ksp, h, x0, r));
  else PetscCall(FallBack(ksp, h, x0, r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RunSolve(KSP ksp, Host *h)
{
  Record         r = {.source = "model", .residual = NAN, .start = NAN};
  Vec            x0 = NULL;
  PetscBool      ok = PETSC_FALSE, plain, over;
  PetscLogDouble begin, clock;
  PetscMPIInt    rank;

  PetscFunctionBegin;
  PetscCall(PetscTime(&begin));
  clock   = begin;
  r.guess = (PetscBool)!ksp->guess_zero;
  PetscCall(VecNorm(ksp->vec_rhs, NORM_2, &r.bnorm));
  PetscCall(IsFresh(ksp, h, &r.fresh));
  PetscCall(Choose(ksp, h, &r, &plain));
  r.decision += Lap(&clock);
  if (r.guess && (!*r.why || r.patience > 0)) {
    PetscCall(VecDuplicate(ksp->vec_sol, &x0));
    PetscCall(VecCopy(ksp->vec_sol, x0));
  }
  if (plain) PetscCall(Begin(ksp, h, &r));
  r.guessing = Lap(&clock);
  if ((ok = (PetscBool)(r.start <= r.target))) PetscCall(AcceptStart(ksp, h, &r));
  else if (r.start > 0 && (*r.why || GuessAlone(h->session->guess))) PetscCall(OwnFromGuess(ksp, h, &r, &ok));
  else if (*r.why) {
    PetscCall(Refuse(ksp, h, &r));
    PetscCall(MayTakeOver(ksp, h, &r, &over));
    if (over) PetscCall(TakeOver(ksp, h, x0, &r, &ok));
  } else PetscCall(Attempt(ksp, h, x0, &r, &ok));
  PetscCall(VecDestroy(&x0));
  if (!ok && h->session->log[0]) PetscCall(TrueResidual(ksp, NULL, &r.residual));
  h->session->solves++;
  clock = begin;
  r.total = Lap(&clock);
  PetscCallMPI(MPI_Comm_rank(PetscObjectComm((PetscObject)ksp), &rank));
  if (!rank) Write(ksp, h, &r);
  PetscFunctionReturn(PETSC_SUCCESS);
}
