/* reuse.c - keep a preconditioner, or build it anew; metasolve/solve/reuse.py does the same, to the last bit. */
#include "reuse.h"
#include <math.h>

#define NOISE    0.2  /* standard deviation of m from one solve to the next */
#define DRIFT    0.02 /* variance that m gains with each build */
#define CAUTION  0.5  /* standard deviations of m by which keeping has to look good */
#define SURPRISE 2.0  /* that one solve may say of m beyond what was thought */
#define COUNTED  0.5  /* iterations by which a count is uncertain */
#define LEAST    1e-3 /* change that says nothing of m */
#define OVERRUN  1.2  /* times the iterations of a stopped solve: it would have taken more */
#define PATIENCE 1.3  /* times set-up and fresh solve after which a kept one is stopped */
#define RECENT   0.3  /* weight of the newest change in their mean */
#define HALF     0.5  /* weight of the newest seconds in theirs */
#define LONGEST  25   /* solves of a build that are looked ahead */
#define FURTHEST 300. /* exp() of it is finite, and no solve is that good or that bad */

static double Spectrum(double z)
{
  return log1p(2 / expm1(fmin(z, FURTHEST)));
}

static double Condition(const Reuse *r, double iterations)
{
  return 2 * Spectrum(r->accuracy / iterations);
}

/* Expected of a solve with what is there, u having grown by so much. */
static double Seconds(const Reuse *r, double added)
{
  return r->each * r->accuracy / Spectrum(0.5 * (r->condition + added));
}

void ReuseBegin(Reuse *r, double mean, double variance)
{
  *r = (Reuse){.mean = mean, .variance = variance, .rate = -1};
}

void ReuseAsk(Reuse *r, double reduction)
{
  r->accuracy = log(2 / fmin(reduction, 1));
}

double ReuseAverage(const Reuse *r)
{
  const double step  = exp(r->mean) * fmax(r->rate, 0);
  double       total = r->setup + r->solve, best = total;

  for (int age = 1; age < LONGEST;) {
    const double seconds = Seconds(r, step * age);

    if (seconds >= best) break;
    total += seconds;
    best = total / ++age;
  }
  return best;
}

double ReusePatience(Reuse *r, double change, double moved)
{
  const double slope = exp(r->mean + CAUTION * sqrt(r->variance));
  double       mean;

  if (r->rate < 0) r->rate = moved;
  mean = fmin(r->total / r->solves, ReuseAverage(r));
  r->rate += RECENT * (moved - r->rate);
  return Seconds(r, slope * change) <= mean ? PATIENCE * (r->setup + r->solve) : 0; /* a change that is NaN: build */
}

void ReuseBuilt(Reuse *r, double setup, double seconds, double iterations)
{
  const double weight = r->each == 0 ? 1 : HALF;

  if (r->keeps == 0) r->each += weight * (seconds / iterations - r->each);
  r->setup += weight * (setup - r->setup);
  r->solve += weight * (seconds - r->solve);
  r->condition = Condition(r, iterations);
  r->total     = setup + seconds;
  r->solves    = 1;
  r->variance += DRIFT;
}

void ReuseRenewed(Reuse *r, double setup)
{
  r->setup += HALF * (setup - r->setup);
  r->total  = setup + r->solve;
  r->solves = 1;
  r->variance += DRIFT;
}

void ReuseAgain(Reuse *r, double seconds)
{
  r->total += seconds;
  r->solves += 1;
  r->rate -= RECENT * r->rate;
}

/* No more iterations than fresh, or stopped: m is at most, or at least, so large. */
static void Learn(Reuse *r, double change, double iterations, int stopped)
{
  const double u = Condition(r, iterations), step = Condition(r, iterations + COUNTED) - u;
  const double added = u - r->condition;
  double       beyond, noise, gain;

  if (change < LEAST) return;
  beyond = log(fmax(added, step) / change) - r->mean;
  if ((added < step && beyond > 0) || (stopped && beyond < 0)) return;
  noise = step / fmax(added, step);
  gain  = r->variance / (r->variance + NOISE * NOISE + noise * noise);
  r->mean += gain * fmin(fmax(beyond, -SURPRISE), SURPRISE);
  r->variance -= gain * r->variance;
}

void ReuseKept(Reuse *r, double change, double seconds, double iterations)
{
  r->each += HALF * (seconds / iterations - r->each);
  r->total += seconds;
  r->solves += 1;
  r->keeps += 1;
  Learn(r, change, iterations, 0);
}

void ReuseStopped(Reuse *r, double change, double iterations)
{
  Learn(r, change, OVERRUN * iterations, 1);
}
