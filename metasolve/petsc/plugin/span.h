/*
   span.h - a start for A x = b from the last solutions with operators like A: the combination of them whose residual is least.

   For one operator a basis y_1, y_2 ... of their span is kept whose images A y_j are orthonormal, so that the best
   x_0 + sum c_j y_j has c_j = (A y_j, b - A x_0). A solution that is new costs one product with A. For another operator the basis
   is made anew of the few newest solutions, for one product each. (P. F. Fischer, Projection techniques for iterative solution of
   Ax = b with successive right-hand sides, 1998, has the same in the energy norm.)

   Its vectors are made from nothing but sizes: they refer to no object of the program's.
*/
#pragma once
#include "measure.h"
#include "operator.h"

#define SPAN_RECENT 3 /* solutions that the next basis begins with, ... */
#define SPAN_MOST   8 /* ... and vectors of a basis */

typedef struct {
  Vec       recent[SPAN_RECENT];                /* newest first ... */
  int       have;                               /* ... of which there are so many */
  PetscReal asked;                              /* norm of what the newest is the solution for, weighted as images are */
  Vec       correction;                         /* of the newest: it, less what was projected for it; meanwhile the latter */
  PetscBool projected, corrected, lags;         /* this is so; that is so; a solution is neither in the basis, nor that */
  Vec       basis[SPAN_MOST], image[SPAN_MOST]; /* y_j and A y_j, the latter with each row weighted as the answer is judged */
  int       n;
  Measure   measure; /* by which */
  Operator  op;      /* A */
} Span;

PetscErrorCode SpanFits(const Span *, Vec b, Vec x, PetscBool *yes); /* could it be of these? Local */
double         SpanBytes(PetscInt rows);                             /* at most, on all ranks */
PetscErrorCode SpanKeep(Span *, Vec x, PetscReal asked);             /* a solution, and the norm of its right-hand side */
/* A basis for this operator. By how much less it makes of the newest solution than that was the solution for: another scale of the
   operator. Collective */
PetscErrorCode SpanPrepare(Span *, const Judge *, const Operator *, PetscReal *less);
/* The residual norm at the start, x or zero, and at the best combination, which is added to x if it is less than `enough` times
   that. Collective. */
PetscErrorCode SpanProject(Span *, const Judge *, PetscBool zero, PetscReal enough, Vec x, PetscReal *before, PetscReal *after);
PetscErrorCode SpanFree(Span *);
