/*
   contract.h - what a program asks of an answer, and how an answer is verified: never less accurate than the program's own.

   A solution is accepted only if its recomputed |b - A x|_2 meets the program's own tolerance,
       |b - A x|_2 <= max(rtol |b|_2, abstol)        (or its variants relative to the initial residual).
   Where the program's own solve stops on another norm, its absolute tolerance is of that one, and only rtol counts. Where its own
   answers then do not come near the tolerance in the 2-norm, but do with each row divided by its diagonal (units, boundary rows
   that are kept), that is the norm.
   Where products with A are differences of a function, nobody can tell a residual that is smaller than their noise, in the
   program's own answers neither: a solver of ours goes on to the tolerance, and what is left is excused as far as the noise
   explains it and own answers have it, too.
   Where the program solves directly (LU, Cholesky), the backward error must be at most ten times that of its own answers.
   Where the program has a test of its own, that is asked: with its own KSP, which mirrors ours, at each iteration, and once more
   with the recomputed norm. If it is used to another norm, it is told ours in terms of that one (own_test.c). PETSc's other tests
   look at more than norm, iteration and solution: such solves are left alone.
*/
#pragma once
#include "measure.h"
#include "operator.h"

typedef enum {
  CONTRACT_UNPRECONDITIONED, /* the program stops on the 2-norm of the residual */
  CONTRACT_PRECONDITIONED,   /* it stops on another one, of the preconditioned residual */
  CONTRACT_DIRECT,           /* its preconditioner is a factorisation of the whole matrix */
  CONTRACT_OWN_TEST          /* it says itself when to stop */
} ContractKind;
extern const char *const ContractKinds[];

#define CONTRACT_DIRECT_RTOL 1e-15 /* the backward error asked of a direct solve before an own answer was seen ... */
#define CONTRACT_DIRECT_MOST 1e-10 /* ... and whatever own answers attain */

typedef struct {                        /* by the program's own answers of a class, running means of logarithms */
  double answers, norm, rows, backward; /* norm, rows: in times of what rtol asks for in that measure */
} Attained;

typedef struct {
  KSP          ksp;
  ContractKind kind;
  Judge        judge;
  PetscReal    bnorm;   /* |b|_2 */
  PetscReal    zero;    /* the measure of x = 0, which others are relative to */
  PetscReal    target;  /* what the measure must not exceed; 0 where the program's own test says that ... */
  PetscReal    told;    /* ... which is told so many times the 2-norm of the residual */
  PetscReal    noise;   /* of a product with A, relative; 0: it is exact to rounding ... */
  PetscReal    asked;   /* the target without it, ... */
  PetscReal    most;    /* ... and what may be excused by that */
  PetscReal    blurred; /* what own answers have, in times of what noise explains; 0: not known */
} Contract;

ContractKind   ContractKindOf(KSP);
PetscBool      ContractFactors(KSP);  /* is the program's preconditioner a factorisation of the whole matrix? */
PetscBool      ContractIsAlone(KSP);  /* the program's preconditioner is applied once, and that is the answer */
PetscBool      ContractIsDirect(KSP); /* does the program solve with a factorisation, which may be exchanged? */
PetscErrorCode ContractMeasure(KSP, const Attained *, Judge *);             /* in which its answers are judged. Collective */
Attained       ContractAttained(Measure, PetscReal tolerance);              /* own answers because of which that is asked */
PetscReal      ContractExact(const Attained *);                             /* the backward error asked of a direct solve */
void           ContractTolerances(KSP, PetscReal *rtol, PetscReal *abstol); /* as models are told of them */
PetscErrorCode ContractRead(KSP, Why *); /* from the KSP alone, before there is anything to solve */
PetscErrorCode ContractTarget(KSP, const Operator *, const Attained *, PetscReal told, Scales *, Contract *,
                              Why *); /* collective; needs right-hand side and guess in place; told: see ContractTold() */
PetscErrorCode ContractTell(Contract *, PetscReal told); /* 0: nothing is known; collective */
PetscErrorCode ContractTold(const Contract *, PetscReal *told,
                            PetscReal *accepted); /* by an own answer, in units of the rows; and what is accepted. Collective */
KSPNormType    ContractNorm(const Contract *);    /* which norm a method is to carry along for it */
PetscBool      ContractMet(const Contract *, PetscReal measure);
PetscErrorCode ContractBlurred(const Contract *, PetscReal residual, PetscReal *blurred); /* of an own answer. Collective */
PetscErrorCode ContractBlur(Contract *, Vec x); /* the target is what products with A can tell at x, at least. Collective */
/* The program's own settings have answered: how well? of: in all measures. Collective */
PetscErrorCode ContractAttain(KSP, const Operator *, Scales *, Attained *seen, PetscReal of[MEASURES]);
PetscBool ContractIsTheirs(KSP, void (*)(void), const void *context); /* a test or monitor of the program's own, in any language */
void      AttainedAdd(Attained *own, const Attained *seen);
PetscErrorCode ContractAsk(void *contract, PetscInt it, PetscReal norm,
                           KSPConvergedReason *);  /* the program's own test, with its own KSP */
PetscErrorCode TrueResidual(KSP, PetscReal *norm); /* |b - A x|_2 of the KSP's own right-hand side and solution; collective */
