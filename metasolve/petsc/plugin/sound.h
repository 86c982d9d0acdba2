/*
   sound.h - systems that make a preconditioner raise an error on one rank, or never return, are recognised before.

   PETSc raises an error where it happens. On several ranks the others then wait in a reduction that nobody enters. Which
   preconditioners do so was established by injecting faults on one rank (tests/hosts/one_rank.c): SOR, at a zero on the diagonal
   of its block, on whatever level; ILU, where a diagonal entry is missing; GAMG, at entries that are not finite. Incomplete
   Cholesky never returns from an empty row, nor from some operators that are not symmetric.
*/
#pragma once
#include "operator.h"

PetscErrorCode SoundOperator(const Operator *, const Settings *, PetscBool *); /* before set-up, on this rank */
PetscErrorCode SoundPC(PC, PetscBool *);                                       /* once it is set up; collective */
