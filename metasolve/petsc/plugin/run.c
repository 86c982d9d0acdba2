/*
   run.c - a solve in production: features -> policy -> a fresh inner KSP -> recomputed residual -> accepted, or the host's own.

   Where no gain is to be expected the host's own settings solve, watched (watch.c): given up where they seem to need too long.

   Never less accurate than the host asked for: a solution is accepted only if its recomputed |b - A x|_2 meets the host's
   own tolerance, whatever norm the host stops on. Anything else (an error, a stall, a time budget, a wrong residual) ends
   in the host's own solve, from the host's own guess.
*/
#include "run.h"
#include <math.h>
#include <string.h>

#define LOOKS 30 /* what a small system must still seem to need to be looked at */

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
  const PetscBool given = (PetscBool)(r->guess && !(r->start > 0)); /* by the program */
  double          features[METASOLVE_FEATURES];
  Mat             A;

  PetscFunctionBegin;
  PetscCall(KSPGetOperators(ksp, &A, NULL));
  PetscCall(FeaturesCompute(A, ksp->vec_rhs, r->bnorm, ksp->rtol, ksp->abstol, given, &h->previous, features));
  PetscCallMPI(MPI_Bcast(features, METASOLVE_FEATURES, MPI_DOUBLE, 0, PetscObjectComm((PetscObject)ksp)));
  PolicyDecide(h->session->policy, features, &h->decision);
  PetscFunctionReturn(PETSC_SUCCESS);
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

/* *plain: a guess may be used; r->why: why no settings but the host's own may. */
static PetscErrorCode Admit(KSP ksp, Host *h, Record *r, PetscBool *plain)
{
  const char *why = NULL;

  PetscFunctionBegin;
  if (r->fresh) h->decision.why[0] = 0;
  PetscCall(WhyNotSystem(ksp, &why));
  *plain = (PetscBool)(!why && PetscIsNormalReal(r->bnorm));
  if (*plain) PetscCall(Target(ksp, r));
  if (why) snprintf(r->why, sizeof r->why, "%s", why);
  else if (r->bnorm == 0) snprintf(r->why, sizeof r->why, "the right-hand side is zero");
  else if (!*plain) snprintf(r->why, sizeof r->why, "the norm of the right-hand side is %g", (double)r->bnorm);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The settings that were learned with the guess, where that is used. */
static PetscBool WithGuess(Host *h, Record *r)
{
  Decision *d = &h->decision;

  if (!(r->start > 0) || h->pause > 0 || *d->why || !GuessSettings(h->session->guess, d)) return PETSC_FALSE;
  if (!h->inner || !SettingsSame(&d->settings, &h->inner_settings)) r->fresh = PETSC_TRUE;
  return PETSC_TRUE;
}

/* Sets r->why when the host's own settings are to be used. */
static PetscErrorCode Choose(KSP ksp, Host *h, Record *r)
{
  const char *not = WhyNotPolicy(h);
  Decision   *d   = &h->decision;

  PetscFunctionBegin;
  if (not && !*r->why) snprintf(r->why, sizeof r->why, "%s", not);
  if (*r->why) PetscFunctionReturn(PETSC_SUCCESS);
  r->looked = (PetscBool)(!r->fresh && (h->inner || *d->why));
  if (!r->looked) PetscCall(IsSmall(ksp, h, &r->small));
  if (r->small) {
    snprintf(r->why, sizeof r->why, "so small that a look at it would cost too much");
    r->patience = LOOKS * PolicyLook(h->session->policy);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!r->looked) {
    r->fresh = PETSC_TRUE;
    PetscCall(Decide(ksp, h, r));
  }
  snprintf(r->why, sizeof r->why, "%s", d->why);
  r->patience = *d->why ? d->patience : 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RunLeave(Host *h, const Record *r)
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
  PetscCall(RunLeave(h, r));
  PetscCall(WatchSolve(ksp, h, r->patience, r->small ? LookLate : NULL, r));
  r->solve = Lap(&clock) - (r->decision - before);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FallBack(KSP ksp, Host *h, Vec x0, Record *r)
{
  PetscFunctionBegin;
  PetscCall(AttemptDistrust(h));
  PetscCall(OwnFromStart(ksp, h, x0, r));
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
  PetscCall(AttemptStart(ksp, h, x0, r));
  PetscCall(AttemptModel(ksp, h, x0, r, ok));
  if (*ok) {
    PetscCall(AttemptAccept(ksp, h, x0, r));
    r->source          = "switched";
    h->decision.why[0] = 0; /* on this operator at once, from now on */
    snprintf(r->why, sizeof r->why, "%s", over);
  } else if (h->watch.given_up) PetscCall(FallBack(ksp, h, x0, r));
  else {
    PetscCall(AttemptDistrust(h));
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

static PetscErrorCode Attempt(KSP ksp, Host *h, Vec x0, Record *r, PetscBool *ok)
{
  PetscFunctionBegin;
  if (!h->pc && !h->asked) PetscCall(HostDefer(ksp, h));
  PetscCall(AttemptModel(ksp, h, x0, r, ok));
  if (*ok && r->second) r->source = "second";
  if (*ok) PetscCall(AttemptAccept(ksp, h, x0, r));
  else PetscCall(FallBack(ksp, h, x0, r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The program's own settings or the model's, with no guess of ours to go on from under the program's own. */
static PetscErrorCode Settle(KSP ksp, Host *h, Record *r, PetscBool *ok)
{
  PetscBool over;
  Vec       x0 = NULL;

  PetscFunctionBegin;
  if (r->guess && !(r->start > 0) && (!*r->why || r->patience > 0)) {
    PetscCall(VecDuplicate(ksp->vec_sol, &x0));
    PetscCall(VecCopy(ksp->vec_sol, x0));
  }
  if (!*r->why) PetscCall(Attempt(ksp, h, x0, r, ok));
  else {
    PetscCall(Refuse(ksp, h, r));
    PetscCall(MayTakeOver(ksp, h, r, &over));
    if (over) PetscCall(TakeOver(ksp, h, x0, r, ok));
  }
  PetscCall(VecDestroy(&x0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The guess first: where it is the answer, or is known with what to go on from it, nobody has to look at the system. */
PetscErrorCode RunSolve(KSP ksp, Host *h)
{
  Record         r  = {.source = "model", .residual = NAN, .start = NAN};
  PetscBool      ok = PETSC_FALSE, plain, own;
  PetscLogDouble begin, clock;
  PetscMPIInt    rank;

  PetscFunctionBegin;
  PetscCall(PetscTime(&begin));
  clock   = begin;
  r.guess = (PetscBool)!ksp->guess_zero;
  PetscCall(VecNorm(ksp->vec_rhs, NORM_2, &r.bnorm));
  PetscCall(IsFresh(ksp, h, &r.fresh));
  PetscCall(Admit(ksp, h, &r, &plain));
  r.decision = Lap(&clock);
  if (plain) PetscCall(StartFromGuess(ksp, h, &r));
  r.guessing = Lap(&clock);
  ok         = (PetscBool)(r.start <= r.target);
  own        = (PetscBool)(r.start > 0 && GuessAlone(h->session->guess));
  if (!ok && !own && !WithGuess(h, &r)) PetscCall(Choose(ksp, h, &r));
  r.decision += Lap(&clock);
  if (ok) PetscCall(StartAccept(ksp, h, &r));
  else if (own || (r.start > 0 && *r.why)) PetscCall(StartOwn(ksp, h, &r, &ok));
  else PetscCall(Settle(ksp, h, &r, &ok));
  if (!ok && h->session->log[0]) PetscCall(TrueResidual(ksp, NULL, &r.residual));
  h->session->solves++;
  clock = begin;
  r.total = Lap(&clock);
  PetscCallMPI(MPI_Comm_rank(PetscObjectComm((PetscObject)ksp), &rank));
  if (!rank) RunWrite(ksp, h, &r);
  PetscFunctionReturn(PETSC_SUCCESS);
}
