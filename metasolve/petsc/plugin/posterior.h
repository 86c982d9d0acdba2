/*
   posterior.h - how far candidates are from what was foreseen of them, on operators that are alike: learned from every solve.

   observed = foreseen + sum of weight[g] apart[g] + offset + noise, of the logarithm of seconds. apart[g] is what a part of the
   forest's trees says beyond the others, of this candidate on this operator: parts that foresaw what was seen gain weight, and with
   them whatever else they say, of other candidates and of operators that differ. What no part can explain is the offset of one
   candidate. Weights and offsets are Gaussian, and taken to be independent of each other (a Kalman filter of constants).
*/
#pragma once
#include "prior.h"

/* Offsets beside those of candidates: */
#define POSTERIOR_OWN     PRIOR_CANDIDATES       /* of the program's own settings ... */
#define POSTERIOR_LASTING (PRIOR_CANDIDATES + 1) /* ... and of the same in an inner solver, whose preconditioner may be kept */
#define POSTERIOR_OFFSETS (PRIOR_CANDIDATES + 2)

typedef struct {                                                /* of zeros: nothing was seen */
  double weight[PRIOR_PARTS], known[PRIOR_PARTS * PRIOR_PARTS]; /* known: of the variance of weights before, what is gone */
  double mean[POSTERIOR_OFFSETS], variance[POSTERIOR_OFFSETS];  /* of offsets */
  int    seen[POSTERIOR_OFFSETS];
} Posterior;
typedef struct {
  int       offset, candidate; /* whose offset; whom the forest foresees */
  PetscBool named;             /* these are the settings of the candidate */
} Whose;
typedef struct { /* one solve, as the journal has it */
  int    offset;
  double apart, spread;     /* observed - foreseen; standard deviation of the offset before anything was seen */
  int    part[PRIOR_PARTS]; /* thousandths: what the parts had said beyond the mean */
} Observation;

const char *PosteriorName(Prior, int offset);                                      /* in files */
int         PosteriorFind(Prior, const char *name);                                /* -1: there is none of this name */
double      PosteriorMean(const Posterior *, const Forecast *, Whose);             /* of observed - foreseen */
double      PosteriorDeviation(const Posterior *, const Forecast *, Whose, Whose); /* of the difference between two */
void        PosteriorDoubt(Posterior *); /* on other operators than those it was seen on */
Observation PosteriorObserve(const Posterior *, const Forecast *, Whose, double apart);
void        PosteriorSee(Posterior *, const Observation *);
