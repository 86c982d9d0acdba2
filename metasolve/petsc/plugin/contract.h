/*
   contract.h - what a program asks of an answer, and how an answer is verified: never less accurate than the program's own.

   A solution is accepted only if its recomputed |b - A x|_2 meets the program's own tolerance,
       |b - A x|_2 <= max(rtol |b|_2, abstol)        (or its variants relative to the initial residual).
   Where the program's own solve stops on another norm, its absolute tolerance is of that one, and only rtol counts.
   Where the program has a test of its own, that is asked: with its own KSP, which mirrors ours, at each iteration, and once more
   with the recomputed norm. PETSc's other tests look at more than norm, iteration and solution: such solves are left alone.
*/
#pragma once
#include "operator.h"

typedef enum {
  CONTRACT_UNPRECONDITIONED, /* the program stops on the norm that is verified */
  CONTRACT_PRECONDITIONED,   /* it stops on another one, of the preconditioned residual */
  CONTRACT_OWN_TEST          /* it says itself when to stop */
} ContractKind;

typedef struct {
  ContractKind kind;
  PetscReal    bnorm, target; /* |b|_2, and what |b - A x|_2 must not exceed; 0 where the program's own test says that */
} Contract;

PetscErrorCode ContractRead(KSP, Why *);               /* from the KSP alone, before there is anything to solve */
PetscErrorCode ContractTarget(KSP, Contract *, Why *); /* collective; needs right-hand side and guess in place */
PetscBool      ContractMet(const Contract *, PetscReal residual);
PetscErrorCode ContractAsk(void *ksp, PetscInt it, PetscReal norm,
                           KSPConvergedReason *); /* the program's own test, with its own KSP */

/* Norms of the program's vectors, left without a trace in them: PETSc keeps a norm it has computed, and copies it on. */
PetscErrorCode NormOf(Vec, PetscReal *norm);
PetscErrorCode TrueResidual(KSP, Vec work,
                            PetscReal *norm); /* |b - A x|_2 of the KSP's own right-hand side and solution; collective */
