/* posterior.c - Gaussian offsets, updated one by one (Kalman filter of a constant). */
#include "posterior.h"
#include <math.h>

#define NOISE    0.25 /* standard deviation of a logarithm of seconds, from one solve to the next of a class */
#define LEAST    0.15 /* of what is not known, however sure the forest is */
#define SURPRISE 2    /* standard deviations that nothing seen may be away */
#define FORGET   1e-3 /* variance that is added with each solve seen: a program changes */

/* What is not seen yet is as far from what was foreseen as the others are: of the machine, of a tolerance nobody has measured. */
static double Common(const Posterior *p)
{
  double sum = 0;
  int    n   = 0;

  for (int i = 0; i < PRIOR_CANDIDATES; i++) {
    if (!p->seen[i]) continue;
    sum += p->mean[i];
    n++;
  }
  return sum / (n + 1);
}

double PosteriorMean(const Posterior *p, int candidate)
{
  return p->seen[candidate] ? p->mean[candidate] : Common(p);
}
static double Before(double spread)
{
  return fmax(spread * spread, LEAST * LEAST);
}

double PosteriorDeviation(const Posterior *p, int candidate, double spread)
{
  return sqrt(p->seen[candidate] ? p->variance[candidate] : Before(spread));
}

void PosteriorDoubt(Posterior *p, int candidate)
{
  if (!p->seen[candidate]) return;
  p->seen[candidate] = 1;
  p->variance[candidate] += NOISE * NOISE;
}

void PosteriorSee(Posterior *p, int candidate, double apart, double spread)
{
  double before = p->seen[candidate] ? p->variance[candidate] + FORGET : Before(spread), gain, surprise;

  p->mean[candidate] = PosteriorMean(p, candidate);
  surprise           = (apart - p->mean[candidate]) / SURPRISE;
  before             = fmax(before, surprise * surprise); /* what was thought to be known was not */
  gain               = before / (before + NOISE * NOISE);
  p->mean[candidate] += gain * (apart - p->mean[candidate]);
  p->variance[candidate] = before * (1 - gain);
  p->seen[candidate]++;
}
