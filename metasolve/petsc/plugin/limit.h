/*
   limit.h - when an inner or a replayed solve stops: the unpreconditioned residual norm reaches a target, grows beyond hope, or
   a time budget is used up. Production and training use this same test, so their outcomes are the same.
*/
#pragma once
#include "metasolve.h"

typedef struct { /* residual norms of a solve, one for each iteration and one before the first */
  PetscInt   n, room;
  PetscReal *norm;
  PetscBool  kept; /* somebody wants them */
} Course;
void CourseFree(Course *);

typedef struct {
  double   target, divergence, first, deadline, processor; /* norms; seconds of PetscTime() and ProcessorTime(), 0: none */
  int      late;                                           /* 1: stopped by one of the latter */
  Course  *course;                                         /* NULL: not kept */
  PetscInt before;                                         /* iterations of the course that an earlier solve has made */
  PetscErrorCode (*test)(void *asked, PetscInt, PetscReal,
                         KSPConvergedReason *); /* decides in place of target. NULL: there is none */
  void *asked;
} Limits;

double         ProcessorTime(void);
PetscErrorCode LimitsTest(KSP, PetscInt, PetscReal, KSPConvergedReason *, void *limits);

PETSC_EXTERN PetscErrorCode MetasolveLimit(KSP, Limits *, double target, double seconds);
