/* posterior.c - weights of the forest's parts, and offsets of candidates, updated with each solve. */
#include "posterior.h"
#include <math.h>
#include <string.h>

#define SHARE 0.4  /* of the variance over trees that is the forest's error for a class: trees differ more than they err together */
#define NOISE 0.25 /* standard deviation of a logarithm of seconds, from one solve to the next of a class */
#define LEAST 0.15 /* that of an offset, of settings that are the candidate's ... */
#define UNNAMED  1.0  /* ... and of others */
#define SURPRISE 3    /* standard deviations that nothing seen may be away: what is further tells ... */
#define LASTS    0.25 /* ... to this part of the candidate, and else of this one solve: what fails on one system may serve others */
#define FORGET   1e-3 /* of what is known of the weights, with each solve seen: a program changes ... */
#define DRIFT    1e-4 /* ... and variance that an offset gains */
#define DOUBT    0.1  /* of what is known of the weights, on other operators */
#define THOUSAND 1000. /* parts are written as whole thousandths */

static const char *const others[] = {"own", "own-kept"}; /* from POSTERIOR_OWN on; no candidate is called so */

const char *PosteriorName(Prior p, int offset)
{
  return offset < POSTERIOR_OWN ? PriorName(p, offset) : others[offset - POSTERIOR_OWN];
}

int PosteriorFind(Prior p, const char *name)
{
  for (int i = POSTERIOR_OWN; i < POSTERIOR_OFFSETS; i++)
    if (!strcmp(name, others[i - POSTERIOR_OWN])) return i;
  return PriorFind(p, name);
}

/* Before it was seen: as far as what was seen was from what was foreseen of it. A program unlike others is so in more than that. */
static double Spread(const Posterior *p, Whose w)
{
  double sum = LEAST * LEAST;
  int    n   = 1;

  for (int i = 0; i < PRIOR_CANDIDATES; i++) {
    if (!p->seen[i]) continue;
    sum += p->mean[i] * p->mean[i];
    n++;
  }
  return w.named ? fmax(sqrt(sum / n), LEAST) : UNNAMED;
}

static double Variance(const Posterior *p, int offset, double spread)
{
  return p->seen[offset] ? p->variance[offset] : spread * spread;
}

double PosteriorMean(const Posterior *p, const Forecast *f, Whose w)
{
  double mean = p->mean[w.offset];

  for (int g = 0; g < PRIOR_PARTS; g++) mean += p->weight[g] * f->apart[g][w.candidate];
  return mean;
}

/* The covariance of the weights times a vector; returns the vector's variance. */
static double Times(const Posterior *p, const double x[], double y[])
{
  double sum = 0;

  for (int g = 0; g < PRIOR_PARTS; g++) {
    y[g] = SHARE * x[g];
    for (int h = 0; h < PRIOR_PARTS; h++) y[g] -= p->known[g * PRIOR_PARTS + h] * x[h];
    sum += x[g] * y[g];
  }
  return fmax(sum, 0);
}

double PosteriorDeviation(const Posterior *p, const Forecast *f, Whose one, Whose other)
{
  double x[PRIOR_PARTS], y[PRIOR_PARTS];

  for (int g = 0; g < PRIOR_PARTS; g++) x[g] = f->apart[g][one.candidate] - f->apart[g][other.candidate];
  return sqrt(Times(p, x, y) + Variance(p, one.offset, Spread(p, one)) + Variance(p, other.offset, Spread(p, other)));
}

void PosteriorDoubt(Posterior *p)
{
  for (int i = 0; i < PRIOR_PARTS * PRIOR_PARTS; i++) p->known[i] *= 1 - DOUBT;
  for (int i = 0; i < POSTERIOR_OFFSETS; i++)
    if (p->seen[i]) p->variance[i] += NOISE * NOISE;
}

Observation PosteriorObserve(const Posterior *p, const Forecast *f, Whose w, double apart)
{
  Observation o = {.offset = w.offset, .apart = apart, .spread = Spread(p, w)};

  for (int g = 0; g < PRIOR_PARTS; g++) o.part[g] = (int)lrint(THOUSAND * f->apart[g][w.candidate]);
  return o;
}

/* metasolve/production/replay.py does the same, to the last bit. */
void PosteriorSee(Posterior *p, const Observation *o)
{
  double x[PRIOR_PARTS], y[PRIOR_PARTS], own = Variance(p, o->offset, o->spread), r = o->apart - p->mean[o->offset], all, surprise;

  for (int g = 0; g < PRIOR_PARTS; g++) x[g] = o->part[g] / THOUSAND;
  for (int g = 0; g < PRIOR_PARTS; g++) r -= p->weight[g] * x[g];
  all      = Times(p, x, y) + own + NOISE * NOISE;
  surprise = r / SURPRISE;
  surprise *= surprise;
  if (surprise > all) { /* what was thought to be known of it was not, or it is an odd one */
    own += LASTS * (surprise - all);
    all = surprise;
  }
  for (int g = 0; g < PRIOR_PARTS; g++) p->weight[g] += y[g] * r / all;
  for (int g = 0; g < PRIOR_PARTS; g++)
    for (int h = 0; h < PRIOR_PARTS; h++) {
      double *known = &p->known[g * PRIOR_PARTS + h];
      *known        = (1 - FORGET) * (*known + y[g] * y[h] / all);
    }
  p->mean[o->offset] += own * r / all;
  p->variance[o->offset] = own - own * own / all + DRIFT;
  p->seen[o->offset]++;
}
