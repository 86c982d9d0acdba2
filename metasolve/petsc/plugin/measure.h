/*
   measure.h - in which measure an answer x of A x = b is judged, and what that needs of the operator.

       NORM       |b - A x|_2
       ROWS       |D^-1 (b - A x)|_2, D the diagonal; the row's sum of absolute values where that is zero
       BACKWARD   |b - A x|_inf / (|A|_inf |x|_inf + |b|_inf), the normwise backward error (Rigal and Gaches, 1967)

   A is applied; its diagonal and its norm are those of P, where the program has two matrices.
   The second does not depend on the units of the rows, the third says how exact a direct solution is.
*/
#pragma once
#include "product.h"

typedef enum {
  MEASURE_NORM,
  MEASURE_ROWS,
  MEASURE_BACKWARD,
  MEASURES
} Measure;
extern const char *const MeasureNames[MEASURES];

typedef struct {         /* of one operator in one state; made when a measure asks for it */
  Vec              rows; /* D^-1 */
  Vec              work[2];
  PetscReal        norm, apart; /* |A|_inf; max |D| / min |D| */
  PetscObjectId    id;
  PetscObjectState state;
} Scales;

typedef struct { /* borrowed, all of it */
  Measure measure;
  Mat     A, P; /* P: stands for A where entries are needed; often A itself */
  Vec     b;
  Scales *scales;
} Judge;

PetscErrorCode ScalesOpen(Mat, Vec like, Scales *); /* for the values that the matrix has now. Collective */
PetscErrorCode ScalesFree(Scales *);
PetscErrorCode JudgeUneven(const Judge *, PetscReal *times); /* how much more of b than of D^-1 b lies in rows with a large D */
PetscErrorCode JudgeAnswer(const Judge *, Vec x, PetscReal *value);        /* x NULL: zero. Collective */
PetscErrorCode JudgeAll(const Judge *, Vec x, PetscReal values[MEASURES]); /* in all of them, for one product. Collective */
PetscErrorCode JudgeIterate(KSP, void *judge, PetscReal *value);           /* of a solve that goes on. Collective */

PETSC_EXTERN PetscErrorCode MetasolveJudge(Mat, Vec b, int measure, void **judge);
PETSC_EXTERN PetscErrorCode MetasolveJudgement(void *judge, Vec x, double *value);
PETSC_EXTERN PetscErrorCode MetasolveJudgeDestroy(void **judge);
