/*
   limit.h - when an inner or a replayed solve stops: the measure of its answer reaches a target, its residual grows beyond hope, a
   time budget is used up and it is not nearly done, or others would be faster even now. Production and training use this same test;
   the latter compares with nobody, so it sees where a solve ends that production gives up.
   Where the measure is not the norm that the method carries along, the iterate is looked at now and then (measure.h).
*/
#pragma once
#include "measure.h"
#include "pace.h"

typedef struct { /* residual norms of a solve, one for each iteration and one before the first */
  PetscInt   n, room;
  PetscReal *norm;
  PetscBool  kept; /* somebody wants them */
} Course;
void CourseFree(Course *);

typedef struct {       /* what a solve is compared with, once it has taken longer than was foreseen */
  double foreseen;     /* ClockProcessor() until which it may take its course */
  double aim;          /* the norm at which it is expected to have converged; 0: not known */
  double other;        /* seconds that others would take from their start */
  double spare;        /* seconds that it may take beyond its time, where it seems to be done by then */
  double left;         /* seconds that it still seemed to need, where it was given up for that; else 0 */
  double began, least; /* ClockProcessor(); the least norm so far */
  double done;         /* ClockProcessor() at which it seemed to be; INFINITY: not known */
  Pace   pace;
} Prospect;

typedef struct { /* metasolve/petsc/library.py knows it: its numbers are the same whatever PETSc's are */
  double  target, divergence, first, deadline, processor; /* norms; ClockNow() and ClockProcessor(), 0: none */
  int     late;                                           /* 1: stopped by one of the latter */
  Course *course;                                         /* NULL: not kept */
  int64_t before;                                         /* iterations of the course that an earlier solve has made */
  PetscErrorCode (*test)(void *asked, PetscInt, PetscReal,
                         KSPConvergedReason *); /* decides in place of target. NULL: there is none */
  void *asked;
  PetscErrorCode (*look)(KSP, void *judge, PetscReal *measure); /* NULL: the norm is the measure */
  void     *judge;
  double    seen, enough; /* the measure at the last look; the norm at which another one is due ... */
  int64_t   looked, due;  /* ... and its iteration, and the one at which the next is due */
  double    fell, norm;   /* measure and norm of the look that falling is told from */
  Prospect *prospect;     /* NULL: it is compared with nothing */
} Limits;

PetscErrorCode LimitsTest(KSP, PetscInt, PetscReal, KSPConvergedReason *, void *limits);

PETSC_EXTERN PetscErrorCode MetasolveLimit(KSP, Limits *, double target, double seconds, void *judge);
