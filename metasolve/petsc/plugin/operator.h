/* operator.h - what can be seen of the matrix of a KSP, and how it is left as it was found. */
#pragma once
#include "metasolve.h"
#include "why.h"

typedef struct {
  Mat              A; /* borrowed */
  PetscInt         rows;
  PetscObjectId    id;
  PetscObjectState state, pattern; /* of the values, of the places of the nonzeros */
  PetscBool        readable;       /* it can be acted on */
  PetscBool        several;        /* of a type for several ranks, which one may have as well */
} Operator;

PetscErrorCode OperatorOf(KSP, Operator *, Why *);
PetscBool      OperatorSame(const Operator *, const Operator *); /* the same values of the same matrix */

/* What a preconditioner of ours changes in the program's matrix, and is put back: options prefixes, and what
   is to become of errors. */
typedef struct {
  Mat       mat[3]; /* the matrix and, on several ranks, its two blocks; borrowed */
  char     *prefix[3], *factor[3];
  PetscBool raises[3];
  int       failed[3]; /* what SOR has noted of a zero on the diagonal */
} OperatorMarks;

PetscErrorCode OperatorKeep(Mat, const char *prefix, OperatorMarks *); /* prefix: meanwhile, for options */
PetscErrorCode OperatorPutBack(OperatorMarks *);
