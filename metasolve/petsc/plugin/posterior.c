/* posterior.c - weights of the forest's parts, and offsets of candidates, updated with each solve. */
#include "posterior.h"
#include <math.h>

#define SHARE 0.3  /* of the variance over trees that is the forest's error for a class: trees differ more than they err together */
#define NOISE 0.25 /* standard deviation of a logarithm of seconds, from one solve to the next of a class */
#define LEAST 0.15 /* that of an offset, of settings that are the candidate's ... */
#define UNNAMED  1.0  /* ... and of others */
#define SURPRISE 3    /* standard deviations that nothing seen may be away */
#define FORGET   1e-3 /* of what is known of the weights, with each solve seen: a program changes ... */
#define DRIFT    1e-4 /* ... and variance that an offset gains */
#define DOUBT    0.1  /* of what is known of the weights, on other operators */

static double Variance(const Posterior *p, Whose w)
{
  const double before = w.named ? LEAST : UNNAMED;

  return p->seen[w.offset] ? p->variance[w.offset] : before * before;
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
  return sqrt(Times(p, x, y) + Variance(p, one) + Variance(p, other));
}

int PosteriorSeen(const Posterior *p)
{
  int sum = 0;

  for (int i = 0; i <= POSTERIOR_OWN; i++) sum += p->seen[i];
  return sum;
}

void PosteriorDoubt(Posterior *p)
{
  for (int i = 0; i < PRIOR_PARTS * PRIOR_PARTS; i++) p->known[i] *= 1 - DOUBT;
  for (int i = 0; i <= POSTERIOR_OWN; i++)
    if (p->seen[i]) p->variance[i] += NOISE * NOISE;
}

void PosteriorSee(Posterior *p, const Forecast *f, Whose w, double apart)
{
  const double r = apart - PosteriorMean(p, f, w), surprise = r / SURPRISE;
  double       x[PRIOR_PARTS], y[PRIOR_PARTS], own = Variance(p, w), all;

  if (!isfinite(apart)) return;
  for (int g = 0; g < PRIOR_PARTS; g++) x[g] = f->apart[g][w.candidate];
  all = Times(p, x, y) + own + NOISE * NOISE;
  own += fmax(surprise * surprise - all, 0); /* what was thought to be known of it was not */
  all = fmax(all, surprise * surprise);
  for (int g = 0; g < PRIOR_PARTS; g++) p->weight[g] += y[g] * r / all;
  for (int g = 0; g < PRIOR_PARTS; g++)
    for (int h = 0; h < PRIOR_PARTS; h++) {
      double *known = &p->known[g * PRIOR_PARTS + h];
      *known        = (1 - FORGET) * (*known + y[g] * y[h] / all);
    }
  p->mean[w.offset] += own * r / all;
  p->variance[w.offset] = own - own * own / all + DRIFT;
  p->seen[w.offset]++;
}
