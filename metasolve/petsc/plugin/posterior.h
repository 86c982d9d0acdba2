/*
   posterior.h - how far candidates are from what was foreseen of them, on operators that are alike: learned from every solve.

   One Gaussian offset for each candidate, of the logarithm of seconds: observed = foreseen + offset + noise. The last one is of the
   program's own settings.
*/
#pragma once
#include "prior.h"

#define POSTERIOR_OWN PRIOR_CANDIDATES

typedef struct {
  double mean[PRIOR_CANDIDATES + 1], variance[PRIOR_CANDIDATES + 1]; /* variance 0: nothing was seen of it */
  int    seen[PRIOR_CANDIDATES + 1];
} Posterior;

double PosteriorMean(const Posterior *, int candidate);
double PosteriorDeviation(const Posterior *, int candidate, double spread);   /* spread: of what is foreseen */
void   PosteriorDoubt(Posterior *, int candidate);                            /* on other operators than those it was seen on */
void   PosteriorSee(Posterior *, int candidate, double apart, double spread); /* apart: observed - foreseen */
