/*
   run.c - a solve in production: features -> policy -> a fresh inner KSP -> recomputed residual -> accepted, or the host's own.

   Never less accurate than the host asked for: a solution is accepted only if its recomputed |b - A x|_2 meets the host's
   own tolerance, whatever norm the host stops on. Anything else (an error, a stall, a time budget, a wrong residual) ends
   in the host's own solve, from the host's own guess.
*/
#include "metasolve.h"
#include <math.h>
#include <string.h>

#define FAILURES_BEFORE_PAUSE 3
#define SHORTEST_BUDGET       0.02 /* seconds: below that a clock tells more about the machine than about the solve */

typedef struct { /* of one solve; seconds */
  PetscReal   bnorm, target, residual;
  PetscBool   fresh, guess;
  const char *source;
  char        why[256], unused[64];
  double      decision, setup, solve, verify, fallback, total;
} Record;

/* ---- may this KSP be accelerated at all? ---- */
static const char *WhyNotKSP(KSP ksp, const Host *h)
{
  const KSPConvergedDefaultCtx *c = (const KSPConvergedDefaultCtx *)ksp->cnvP;

  if (!h->session->policy) return h->session->broken;
  if (PolicyIsDefault(h->session->policy)) return "the model found the program's own settings best";
  if (h->pause > 0) return "paused after repeated fallbacks";
  if (ksp->normtype == KSP_NORM_NONE) return "a fixed number of iterations without norm";
  if (ksp->converged != KSPConvergedDefault || !c) return "a convergence test of the program's own";
  if (c->convmaxits) return "converges by number of iterations";
  if (ScalesSystem(ksp)) return "diagonally scaled operator";
  if (ksp->guess_knoll) return "guess from the program's preconditioner";
  if (ksp->calc_sings || ksp->calc_ritz) return "singular values are asked for";
  if (ksp->pc->ops->presolve) return "the program's preconditioner transforms the system";
  return NULL;
}

PetscErrorCode RunEligible(KSP ksp, Host *h, const char **why)
{
  PetscBool rows, set;
  Mat       A, P;

  PetscFunctionBegin;
  if ((*why = WhyNotKSP(ksp, h))) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(KSPGetOperatorsSet(ksp, &set, NULL));
  if (!set) *why = "no operator yet";
  if (*why) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(KSPGetOperators(ksp, &A, &P));
  PetscCall(MatIsRows(A, &rows));
  if (A != P) *why = "operator and preconditioning matrix differ";
  else if (!rows) *why = "the operator is not an assembled, square AIJ matrix";
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- one solve ---- */
static double Budget(const Host *h) /* seconds */
{
  return PetscMax(h->session->budget * h->expected, SHORTEST_BUDGET);
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

static PetscErrorCode Decide(KSP ksp, Host *h, Record *r)
{
  double features[METASOLVE_FEATURES];
  Mat    A;

  PetscFunctionBegin;
  PetscCall(KSPGetOperators(ksp, &A, NULL));
  PetscCall(FeaturesCompute(A, ksp->vec_rhs, r->bnorm, ksp->rtol, ksp->abstol, r->guess, &h->previous, features));
  PetscCallMPI(MPI_Bcast(features, METASOLVE_FEATURES, MPI_DOUBLE, 0, PetscObjectComm((PetscObject)ksp)));
  h->why[0] = 0;
  (void)PolicyDecide(h->session->policy, features, &h->settings, &h->expected, h->why, sizeof h->why);
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
static PetscErrorCode Accelerate(KSP ksp, Host *h, Record *r, PetscBool *ok)
{
  PetscLogDouble clock;
  PetscBool      error = PETSC_FALSE, reuse = PETSC_FALSE;
  Limits         limits;

  PetscFunctionBegin;
  *ok      = PETSC_FALSE;
  ksp->its = 0;
  PetscCall(PetscTime(&clock));
  limits = (Limits){.target = r->target, .divergence = ksp->divtol, .deadline = clock + Budget(h)};
  if (r->fresh) {
    PetscCall(InnerReusable(ksp, h, &reuse));
    PetscCall(InnerSetUp(ksp, h, reuse, &error));
  }
  r->setup = Lap(&clock);
  if (error) snprintf(r->why, sizeof r->why, "the settings cannot be set up");
  else PetscCall(InnerSolve(ksp, h, &limits, r->guess, &error));
  r->solve = Lap(&clock);
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

static PetscErrorCode FallBack(KSP ksp, Host *h, Vec x0, Record *r)
{
  PetscLogDouble clock;

  PetscFunctionBegin;
  PetscCall(PetscTime(&clock));
  r->source = "fallback";
  snprintf(h->why, sizeof h->why, "fell back before on this operator");
  PetscCall(KSPDestroy(&h->inner));
  if (++h->failures >= FAILURES_BEFORE_PAUSE) h->pause = 8 << PetscMin(h->failures - FAILURES_BEFORE_PAUSE, 10);
  if (x0) PetscCall(VecCopy(x0, ksp->vec_sol));
  else PetscCall(VecZeroEntries(ksp->vec_sol));
  ksp->reason = KSP_CONVERGED_ITERATING; /* as KSPSolve() left them: a method may believe a stale reason and return at once */
  ksp->its    = 0;
  ksp->rnorm  = 0;
  PetscCall(HostSolveOwn(ksp, h));
  r->fallback = Lap(&clock);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Write(KSP ksp, Host *h, const Record *r)
{
  Session    *s      = h->session;
  Text       *t      = &h->last;
  const char *prefix = ((PetscObject)ksp)->prefix;
  PetscBool   chosen = (PetscBool)strcmp(r->source, "refused");
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
  for (int i = 0; chosen && i < h->settings.n; i++) {
    TextAdd(t, "%s\"%s\":", i ? "," : "", h->settings.name[i]);
    TextString(t, h->settings.value[i]);
  }
  TextAdd(t, "},\"unused\":");
  TextString(t, r->unused);
  TextAdd(t, ",\"new_operator\":%s,\"reason\":%d,\"iterations\":%lld,\"true_residual\":", r->fresh ? "true" : "false", (int)ksp->reason, (long long)ksp->its);
  TextNumber(t, r->bnorm > 0 ? r->residual / r->bnorm : 0);
  TextAdd(t, ",\"tolerance\":");
  TextNumber(t, r->bnorm > 0 && r->target > 0 ? r->target / r->bnorm : ksp->rtol);
  TextAdd(t, ",\"seconds\":{\"decision\":%.9f,\"setup\":%.9f,\"solve\":%.9f,\"verify\":%.9f,\"fallback\":%.9f,\"total\":%.9f}}\n", r->decision, r->setup, r->solve, r->verify, r->fallback, r->total);
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

/* Sets r->why when the host's own settings are to be used. */
static PetscErrorCode Choose(KSP ksp, Host *h, Record *r)
{
  const char *why = NULL;

  PetscFunctionBegin;
  if (r->fresh) h->why[0] = 0;
  PetscCall(RunEligible(ksp, h, &why));
  if (why) snprintf(r->why, sizeof r->why, "%s", why);
  else if (!PetscIsNormalReal(r->bnorm) && r->bnorm != 0) snprintf(r->why, sizeof r->why, "the norm of the right-hand side is %g", (double)r->bnorm);
  if (*r->why) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Target(ksp, r));
  if (r->bnorm == 0) snprintf(r->why, sizeof r->why, "the right-hand side is zero");
  else if (r->fresh || !(h->inner || *h->why)) {
    r->fresh = PETSC_TRUE;
    PetscCall(Decide(ksp, h, r));
  }
  if (!*r->why) snprintf(r->why, sizeof r->why, "%s", h->why);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Refuse(KSP ksp, Host *h, Record *r)
{
  PetscLogDouble clock;

  PetscFunctionBegin;
  PetscCall(PetscTime(&clock));
  r->source = "refused";
  if (r->fresh) PetscCall(KSPDestroy(&h->inner)); /* it belongs to an operator that is gone */
  if (h->pause > 0) h->pause--;
  PetscCall(HostSolveOwn(ksp, h));
  r->solve = Lap(&clock);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RunSolve(KSP ksp, Host *h)
{
  Record         r = {.source = "model", .residual = NAN};
  Vec            x0 = NULL;
  PetscBool      ok = PETSC_FALSE;
  PetscLogDouble begin, clock;
  PetscMPIInt    rank;

  PetscFunctionBegin;
  PetscCall(PetscTime(&begin));
  clock   = begin;
  r.guess = (PetscBool)!ksp->guess_zero;
  PetscCall(VecNorm(ksp->vec_rhs, NORM_2, &r.bnorm));
  PetscCall(IsFresh(ksp, h, &r.fresh));
  PetscCall(Choose(ksp, h, &r));
  r.decision = Lap(&clock);
  if (*r.why) PetscCall(Refuse(ksp, h, &r));
  else {
    if (!h->pc && !h->asked) PetscCall(HostDefer(ksp, h));
    if (r.guess) {
      PetscCall(VecDuplicate(ksp->vec_sol, &x0));
      PetscCall(VecCopy(ksp->vec_sol, x0));
    }
    PetscCall(Accelerate(ksp, h, &r, &ok));
    if (ok) PetscCall(Accept(ksp, h, x0, &r));
    else PetscCall(FallBack(ksp, h, x0, &r));
    PetscCall(VecDestroy(&x0));
  }
  if (!ok && h->session->log[0]) PetscCall(TrueResidual(ksp, NULL, &r.residual));
  h->session->solves++;
  clock = begin;
  r.total = Lap(&clock);
  PetscCallMPI(MPI_Comm_rank(PetscObjectComm((PetscObject)ksp), &rank));
  if (!rank) Write(ksp, h, &r);
  PetscFunctionReturn(PETSC_SUCCESS);
}
