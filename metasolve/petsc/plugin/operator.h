/* operator.h - what can be seen of the matrix of a KSP, and how it is left as it was found. */
#pragma once
#include "metasolve.h"
#include "twin.h"
#include "why.h"

typedef struct {
  Mat              A, given; /* of the program, borrowed: whose products count, and what it makes preconditioners of */
  Mat              P;        /* what is read, and ours are made of: `given`, or its twin. NULL: OperatorRead() is to be called */
  PetscInt         rows;
  PetscObjectId    applied, id;    /* of A, of `given` */
  PetscObjectState state, pattern; /* of the values of `given`, of the places of its nonzeros */
  PetscBool        readable;       /* it can be acted on */
  PetscBool        several;        /* of a type for several ranks, which one may have as well */
} Operator;

PetscErrorCode OperatorOf(KSP, Operator *, Why *);
PetscErrorCode OperatorRead(Operator *, Twin *, Why *);                          /* there is a P from now on. Collective */
PetscBool      OperatorSame(const Operator *, const Operator *);                 /* the same values of the same matrices */
void           OperatorsFor(const Operator *, const Settings *, Mat *A, Mat *P); /* of a solver of ours with these settings */
PetscBool      OperatorIsTwo(const Operator *);                                  /* the program has two matrices */

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
