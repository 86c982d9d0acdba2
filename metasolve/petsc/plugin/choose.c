/* choose.c - which candidate of a prior, from what is foreseen and what was seen since. */
#include "runner.h"
#include "describe.h"
#include "expect.h"
#include "own.h"
#include "probe.h"
#include <math.h>
#include <string.h>

#define CAUTION     0.9   /* of a standard deviation, that a candidate must be better by */
#define SURE        0.6   /* of it, by which it must be better than the program's own settings, ... */
#define SURE_SQUARE 1.25  /* ... and of its square: large ones are wrong by more than a Gaussian's would be */
#define DOUBT       2     /* times both, of what is less sure as long as it was not seen here */
#define WORTH       0.095 /* ln 1.1: what a candidate must gain over the program's own settings */
#define CURIOUS     0.05  /* ln: what a bolder candidate may gain over the usual one, to be tried */
#define WORST       1.1   /* ln of times own: where an attempt is stopped */
#define VENTURED    0.03  /* of the program's own time: what trying bolder ones may lose */
#define FACTOR      4e-9  /* seconds for (rows)^2, of a factorisation of a grid in space with a few unknowns at each point ... */
#define LEAST       0.02  /* ... and what it may take anyway */
#define OFTEN       3     /* solves that a candidate has to be seen in, or to answer, to have proven itself */
#define PATIENCE    3     /* times the best candidate, that own settings may still seem to need */
#define ALIKE       0.15  /* standard deviation of the program's own settings in our solver beside the same in its own */

typedef enum {
  ASKED_FIRST,
  ASKED_AGAIN, /* for an operator that was decided about before */
  ASKED_PROVEN /* only what has proven itself is in question */
} Asked;
typedef struct { /* of rank 0 */
  int       candidate, why;
  PetscBool proven;
  double    expected, foreseen, attempt, patience, venture;
  double    usual; /* seconds of what a bolder candidate is taken for; 0: it is none. A trial is what may lose by that */
  Point     place;
} Verdict;

/* A factorisation cannot be stopped. Where the program has none itself, even one in space must take no longer than own settings. */
static PetscBool TooLong(const Solve *s, int candidate, double own)
{
  const double rows = (double)s->op.rows;

  if (s->contract.kind == CONTRACT_DIRECT || !PriorFactorises(PolicyPrior(s->run->policy), candidate)) return PETSC_FALSE;
  return (PetscBool)(FACTOR * rows * rows > fmax(exp(own), LEAST));
}

typedef struct { /* ln seconds */
  double    own, safe, safe_mean, bold, bold_mean, bold_worst;
  PetscBool gains; /* over the program's own settings, surely */
} Prospects;

/* Those that gain surely come first. doubt: by how much more a candidate must be better */
static void Consider(Verdict *v, Prospects *p, int *bolder, int candidate, double mean, double deviation, double doubt)
{
  const double    safe = mean + CAUTION * doubt * deviation, sure = mean + doubt * deviation * (SURE + SURE_SQUARE * deviation);
  const PetscBool gains = (PetscBool)isless(sure, p->own - WORTH);

  if (gains > p->gains || (gains == p->gains && isless(safe, p->safe))) {
    p->safe      = safe;
    p->safe_mean = mean;
    p->gains     = gains;
    v->candidate = candidate;
  }
  if (isless(mean - deviation, p->bold)) {
    p->bold       = mean - deviation;
    p->bold_mean  = mean;
    p->bold_worst = mean + deviation;
    *bolder       = candidate;
  }
}

/* A wave, say: who factorises there knows why. The forest has seen iterative methods on definite operators mostly. */
static PetscBool Vain(const Solve *s, int candidate, Nature nature)
{
  return (PetscBool)(nature == NATURE_INDEFINITE && s->contract.kind == CONTRACT_DIRECT &&
                     !PriorFactorises(PolicyPrior(s->run->policy), candidate));
}

/* Has it been seen here often, and answered on an operator at least as large? That it gains as well, others say. */
static PetscBool Proven(const Solve *s, int candidate)
{
  const PetscBool often = (PetscBool)(s->class->offsets.seen[candidate] >= OFTEN || s->class->answers[candidate] >= OFTEN);

  return (PetscBool)(often && s->class->answered[candidate] >= s->op.rows);
}

/* Where meshes are refined, the last solve takes as long as all others: what was not tried on a coarse one comes too late. The
   forest has seen no complex wave, for which iterative methods take many times as long as for what else looks alike, and nothing of
   what is in the operator only. */
static double Doubt(const Solve *s, int candidate)
{
  const Run      *r       = s->run;
  const PetscBool strange = (PetscBool)(r->hidden || (r->wave && !PriorFactorises(PolicyPrior(r->policy), candidate)));

  return (s->class->refined || strange) && !s->class->offsets.seen[candidate] ? DOUBT : 1;
}

/* Nobody knows what the program's own settings take. They are given up for what is foreseen, unless that may be as wrong. */
static void MeasureFirst(const Solve *s, Verdict *v)
{
  if (!s->run->untold || s->class->own_solve.n || s->class->offsets.seen[POSTERIOR_OWN]) return;
  v->why     = WHY_MEASURED;
  v->venture = v->usual = 0;
  if (s->run->hidden) v->patience = 0;
}

/* Where the program's own settings solve anyway, they are not what is waited for while they do: they would never be given up. */
static void ConsiderLasting(Solve *s, double rights, Verdict *v, Prospects *p, int *bolder)
{
  const Forecast  *f      = &s->run->forecast;
  const Posterior *o      = &s->class->offsets;
  const double     mean   = ExpectLasting(s, ExpectOwnAs(s), rights) + PosteriorMean(o, f, WhoseLasting(s));
  const Verdict    others = *v;
  const Prospects  theirs = *p;
  const int        bold   = *bolder;

  Consider(v, p, bolder, POSTERIOR_LASTING, mean, ALIKE, 1);
  if (v->candidate != POSTERIOR_LASTING || others.candidate < 0 || p->gains) return;
  *v      = others;
  *p      = theirs;
  *bolder = bold;
}

/* It was tried here, and has not answered. */
static PetscBool Failed(const Solve *s, int candidate)
{
  return (PetscBool)(candidate >= 0 && s->class->offsets.seen[candidate] && !s->class->answered[candidate]);
}

/* What might be much faster is tried in place of the usual one, or of own settings where nothing surely gains. */
static void Venture(const Solve *s, int bolder, double own, Verdict *v, Prospects *p)
{
  const double usual = p->gains ? fmin(p->safe_mean, own) : own,
               worst = Failed(s, bolder) ? WORST : fmin(p->bold_worst - own, WORST),
               risk  = exp(own) * fmax(exp(worst) - exp(usual - own), 0);

  if (p->gains && bolder == v->candidate) return;
  if (!(p->bold < usual - CURIOUS && s->class->ventured + risk < VENTURED * s->class->account.own)) return;
  v->candidate = bolder;
  v->venture   = risk;
  v->usual     = exp(usual);
  p->safe_mean = p->bold_mean;
}

static void Best(Solve *s, Nature nature, Asked asked, Verdict *v)
{
  const Prior      p      = PolicyPrior(s->run->policy);
  const Forecast  *f      = &s->run->forecast;
  const Posterior *o      = &s->class->offsets;
  const double     rights = ExpectRights(s->class), own = ExpectOwn(s, rights);
  Prospects        best = {own, INFINITY, INFINITY, INFINITY, INFINITY, INFINITY, PETSC_FALSE};
  double           left;
  int              bolder = -1;

  *v = (Verdict){.candidate = -1, .expected = exp(ExpectOwn(s, 1))};
  for (int i = 0; i < PriorCount(p); i++) {
    if (i == s->run->own_candidate || !PriorPossible(p, i, s->op.several, nature) || TooLong(s, i, own)) continue;
    if (Vain(s, i, nature) || (asked == ASKED_PROVEN && !Proven(s, i))) continue;
    if (PriorTransposes(p, i) && !s->run->previous.plain) continue;
    Consider(v, &best, &bolder, i, ExpectCandidate(s, i, rights, own), PosteriorDeviation(o, f, WhoseCandidate(i), WhoseOwn(s)),
             Doubt(s, i));
  }
  if (s->run->own.n && asked != ASKED_PROVEN) ConsiderLasting(s, rights, v, &best, &bolder);
  if (asked != ASKED_PROVEN) Venture(s, bolder, own, v, &best);
  v->foreseen = exp(best.safe_mean);
  v->attempt  = v->candidate < 0 || v->candidate == POSTERIOR_LASTING
                ? INFINITY
                : exp(f->total[v->candidate] + PosteriorMean(o, f, WhoseCandidate(v->candidate)));
  v->patience = v->candidate == POSTERIOR_LASTING ? 0 : PATIENCE * v->foreseen; /* own settings are not given up for themselves */
  if (v->candidate < 0 || !(v->usual > 0 || best.gains)) v->why = WHY_NO_GAIN;
  MeasureFirst(s, v);
  left = fmin(VENTURED * s->class->account.own - s->class->ventured, VENTURED * s->class->account.taken - s->class->search.risked);
  ProbeAsk(s, v->candidate, v->foreseen, v->why || v->venture > 0 || asked != ASKED_FIRST ? 0 : left, &v->place);
  v->proven = (PetscBool)(!v->why && !(v->venture > 0) && !v->place.probe && Proven(s, v->candidate));
  v->venture += v->place.risk;
}

/* Rank 0 says. Where nothing has proven itself, what was chosen before stays. */
static PetscErrorCode Choose(Solve *s, Asked asked)
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)s->ksp);
  Run           *r    = s->run;
  Decision      *d    = &r->decision;
  PetscMPIInt    rank;
  Verdict        v;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank) Best(s, r->nature == NATURE_SYMMETRIC && s->class->indefinite ? NATURE_INDEFINITE : r->nature, asked, &v);
  PetscCallMPI(MPI_Bcast(&v, sizeof v, MPI_BYTE, 0, comm));
  if (asked == ASKED_PROVEN && !v.proven) PetscFunctionReturn(PETSC_SUCCESS);
  r->proven    = v.proven;
  r->candidate = v.candidate;
  r->foreseen  = v.foreseen;
  r->attempt   = v.attempt;
  r->place     = v.place;
  s->class->ventured += v.venture - r->venture;
  r->venture   = v.usual > 0 ? v.venture : 0;
  r->usual     = v.usual;
  d->why       = (Why)v.why;
  d->detail[0] = 0;
  d->expected  = v.expected;
  d->foreseen  = exp(r->forecast.total[ExpectOwnAs(s)]);
  d->patience  = v.patience;
  if (v.candidate == POSTERIOR_LASTING) d->settings = r->own;
  else if (v.candidate >= 0) PriorSettings(PolicyPrior(r->policy), v.candidate, s->op.several, &d->settings);
  ProbeSettle(s, v.candidate, &v.place, &d->settings);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* May own settings be used in the inner solver, for their set-up is due and serves several operators? Rank 0 says. Collective. */
static PetscErrorCode OwnMayLast(const Solve *s, PetscBool *yes)
{
  int may = !s->run->own_ready && KeepServes(s->class) > 1;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Bcast(&may, 1, MPI_INT, 0, PetscObjectComm((PetscObject)s->ksp)));
  *yes = (PetscBool)may;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ChooseCandidate(Solve *s, const double features[])
{
  Run        *r = s->run;
  const Prior p = PolicyPrior(r->policy);
  PetscBool   due, lasting;

  PetscFunctionBegin;
  PetscCall(PriorOwn(p, s->ksp, &r->own_candidate));
  PetscCall(ForeseeNature(s, features));
  PetscCall(ForeseeHere(s, features));
  PetscCall(OwnSetUpIsDue(s->ksp, &due));
  r->own_ready = (PetscBool)!due;
  r->own.n     = 0;
  PetscCall(OwnMayLast(s, &lasting));
  if (lasting) PetscCall(DescribeInner(s->ksp, &r->own));
  PetscCall(Choose(s, ASKED_FIRST));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ChooseAgain(Solve *s)
{
  PetscBool due;

  PetscFunctionBegin;
  if (s->run->place.failed) PetscCall(Choose(s, ASKED_AGAIN));
  PetscCall(OwnSetUpIsDue(s->ksp, &due));
  if (s->run->own_ready || due) PetscFunctionReturn(PETSC_SUCCESS);
  s->run->own_ready = PETSC_TRUE;
  PetscCall(Choose(s, ASKED_AGAIN));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rank 0 knows whether the account is overdrawn, and all follow. A preconditioner of other settings is kept no longer. */
PetscErrorCode ChooseProven(Solve *s, PetscBool overdrawn, PetscBool *chosen)
{
  const Run *r     = s->run;
  int        again = overdrawn;

  PetscFunctionBegin;
  *chosen = PETSC_FALSE;
  if (!SolveByPrior(s)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallMPI(MPI_Bcast(&again, 1, MPI_INT, 0, PetscObjectComm((PetscObject)s->ksp)));
  if (!again) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Choose(s, ASKED_PROVEN));
  *chosen = r->proven;
  if (!SettingsSame(&r->inner.settings, &r->decision.settings)) s->preconditioner = PRECONDITIONER_BUILT;
  PetscFunctionReturn(PETSC_SUCCESS);
}
