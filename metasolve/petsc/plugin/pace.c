/*
   pace.c - how fast a residual norm falls.

   What a solve will take is hard to foresee from its matrix, and easier from its first iterations: the residual norm falls
   on as it fell since half of the iterations so far. metasolve/solve/course.py foresees the same.
*/
#include "pace.h"
#include <math.h>

#define OCTAVE    4  /* moments between which iterations double */
#define FORESIGHT 30 /* times the iterations seen, the most that is foreseen */

static PetscInt Moment(int i) /* 2, 3, 3, 4, 4, 5, 6, 7, 8, 10, 12, 14, 16, ... */
{
  return (PetscInt)ceil(pow(2, 1 + i / (double)OCTAVE) - 1e-9);
}

PetscBool PaceSee(Pace *p, PetscInt it, PetscReal norm)
{
  const int before = p->seen;

  while (p->seen < METASOLVE_MOMENTS && Moment(p->seen) <= it) p->norm[p->seen++] = norm;
  return (PetscBool)(p->seen > before && p->seen > OCTAVE);
}

double PaceLeft(const Pace *p, double target)
{
  const int    i    = p->seen - 1;
  const double most = FORESIGHT * (double)Moment(i),
               rate = log(p->norm[i - OCTAVE] / p->norm[i]) / (double)(Moment(i) - Moment(i - OCTAVE));

  return isgreater(rate, 0) ? fmin(log(p->norm[i] / target) / rate, most) : most;
}
