/* operator.h - what can be seen of the matrix of a KSP, and how it is left as it was found. */
#pragma once
#include "metasolve.h"
#include "why.h"

typedef struct {
  Mat              A; /* whose products count; borrowed, as the other */
  Mat              P; /* whose entries are read, and of which preconditioners are made: A, where the program has one matrix */
  PetscInt         rows;
  PetscObjectId    applied, id;    /* of A, of P */
  PetscObjectState state, pattern; /* of the values of P, of the places of its nonzeros */
  PetscBool        readable;       /* it can be acted on */
  PetscBool        several;        /* of a type for several ranks, which one may have as well */
} Operator;

PetscErrorCode OperatorOf(KSP, Operator *, Why *);
PetscBool      OperatorSame(const Operator *, const Operator *); /* the same values of the same matrix P, under the same A */
PetscBool      OperatorIsTwo(const Operator *);                  /* A is not P */

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
