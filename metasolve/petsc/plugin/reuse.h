/*
   reuse.h - keep a preconditioner for an operator that has changed, or build it anew: decided before each solve.

   With L = ln(2/reduction) and f(z) = ln coth(z/2), which is its own inverse, n = L / f(u/2) iterations are needed where the
   preconditioned operator has the condition exp(u). The change x of the operator since the build adds to it:
   u(kept) = u(fresh) + exp(m) x. m is Gaussian, and learned from every kept solve. It is kept where one more solve is expected
   to take no longer than the mean of a solve, builds included: of those since the build, and of the best that is to come.

   x is the root of the sum of two variances over a sample of rows: of the change of ln|a_ii|, and of the change of ln|a_ij|,
   each entry weighted with its size beside the diagonal. It is 0 where the operator is only scaled.

   metasolve/solve/reuse.py is the same in Python; docs/results/sequences.md says what it is worth.
*/
#pragma once

#define REUSE_MEAN     0.9 /* of m before anything was seen: sequences of many kinds have it ... */
#define REUSE_VARIANCE 0.9 /* ... and differ by it */

typedef struct {
  double accuracy;           /* ln(2/reduction) of the solve that is due */
  double mean, variance;     /* of m */
  double setup, solve, each; /* seconds of a build, of the solve right after it, of an iteration with what was kept */
  double condition;          /* u of what was built last, on the operator that it was built for */
  double rate;               /* change of the operator from one solve to the next; below 0: not known */
  double total, solves;      /* seconds since the last build, and how many solves they served */
  double keeps;              /* solves that were kept: before there are any, `each` is that of builds */
} Reuse;

/* What is new; then for each solve to which share of what it is the residual has to fall. */
void   ReuseBegin(Reuse *, double mean, double variance);
void   ReuseAsk(Reuse *, double reduction);
double ReuseAverage(const Reuse *); /* expected seconds of a solve, builds at their best moments included */
/* Seconds that a kept solve may take, 0: build. How far the operator has moved: since the build, and since the solve before. */
double ReusePatience(Reuse *, double change, double moved);
/* What was seen, iterations being 1 at least: a build and the solve right after it; one that was kept; one that was given up. */
void ReuseBuilt(Reuse *, double setup, double seconds, double iterations);
void ReuseKept(Reuse *, double change, double seconds, double iterations);
void ReuseStopped(Reuse *, double change, double iterations);
/* A build in the middle of a solve, of which the rest tells nothing; one more solve with the operator of the last. */
void ReuseRenewed(Reuse *, double setup);
void ReuseAgain(Reuse *, double seconds);
