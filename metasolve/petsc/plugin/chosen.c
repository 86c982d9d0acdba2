/* chosen.c - what is learned of a solve, and of the candidate that a prior has chosen for it. */
#include "runner.h"
#include "expect.h"
#include "probe.h"
#include <math.h>

#define FAILURE 1.1 /* ln of times own that a failed attempt counts for */

/* Of an attempt: its set-up was part of it, or there was one. */
static void SeeAttempt(Solve *s)
{
  const Run   *r        = s->run;
  const Whose  tried    = WhoseTried(s);
  const double spent    = s->share * (s->setup + s->solve + s->verify),
               foreseen = s->setup > 0 ? r->forecast.total[tried.candidate] : r->forecast.solve[tried.candidate];
  double       seen     = log(spent);

  if (s->run->inner.ksp && s->run->inner.ksp->reason == KSP_DIVERGED_INDEFINITE_MAT) s->class->indefinite = PETSC_TRUE;
  if (s->why == WHY_SETUP_FAILED && tried.offset < POSTERIOR_OWN)
    PriorImpossible(PolicyPrior(r->policy), tried.offset, s->op.several);
  if (!s->answered) seen = fmax(seen, ExpectOwn(s, 1) + FAILURE);
  LessonSee(&s->lesson, PosteriorObserve(&s->class->offsets, &r->forecast, tried, seen - foreseen));
}

/* Also where its seconds tell nothing of others: from an earlier solution, or with a preconditioner that was kept. */
static void CountAnswer(const Solve *s)
{
  const int offset = WhoseTried(s).offset;

  s->class->answers[offset]++;
  s->class->answered[offset] = PetscMax(s->class->answered[offset], s->op.rows);
}

static void SeeOwn(Solve *s, double seconds)
{
  const Run   *r        = s->run;
  const int    own      = ExpectOwnAs(s);
  const double foreseen = s->own_setup > 0 ? r->forecast.total[own] : r->forecast.solve[own];

  LessonSee(&s->lesson, PosteriorObserve(&s->class->offsets, &r->forecast, WhoseOwn(s), log(seconds) - foreseen));
}

/* Own settings that were given up would have taken this at least, which is far less than what many would have. Once it may be
   chance; but if it were never learned, each operator's would be given up. */
static void SeeGivenUp(Solve *s)
{
  const double least = s->share * s->own_solve + s->watch.patience;

  if (++s->class->given_up > 1 && isgreater(least, s->run->decision.expected)) SeeOwn(s, least);
}

/* What a bolder candidate has lost counts, not what it might have. */
static void Settle(const Solve *s, PetscBool tried)
{
  Run         *r     = s->run;
  const double taken = s->total - s->decision - s->setup * (1 - 1 / ExpectRights(s->class));

  s->class->ventured += (tried ? fmax(s->share * taken - r->usual, 0) : 0) - r->venture;
  r->venture = 0;
}

void ChosenLearn(Solve *s)
{
  const PetscBool tried = (PetscBool)(s->source == SOURCE_MODEL || s->source == SOURCE_FALLBACK);
  PetscBool       told;

  if (!SolveByPrior(s)) return;
  if (s->run->venture > 0) Settle(s, tried);
  told = (PetscBool)(tried && !s->own && s->run->candidate >= 0 && s->setup + s->solve > 0);
  if (told && s->answered && !SolveProbes(s)) CountAnswer(s);
  if (told && KeepTells(s)) {
    ProbeLearn(s);
    if (!SolveProbes(s)) SeeAttempt(s); /* a probe tells of the numbers, not of the candidate */
  }
  if (s->own_measured > 0) s->class->given_up = 0;
  if (s->own_measured > 0 ? s->ksp->reason > 0 : s->canary > 0) SeeOwn(s, SolveOwnSeconds(s));
  else if (s->source == SOURCE_SWITCHED && s->watch.given_up) SeeGivenUp(s);
}
