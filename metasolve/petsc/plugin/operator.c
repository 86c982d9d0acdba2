/* operator.c - the matrix of a KSP: which one it is, whether it can be acted on, and its marks. */
#include "operator.h"
#include <petsc/private/matimpl.h>

/* Can A be applied to vectors of P? */
static PetscErrorCode Multiplies(const Operator *o, PetscBool *yes)
{
  PetscInt m[2], n[2];

  PetscFunctionBegin;
  PetscCall(MatAssembled(o->A, yes));
  if (*yes) PetscCall(MatHasOperation(o->A, MATOP_MULT, yes));
  PetscCall(MatGetLocalSize(o->A, &m[0], &n[0]));
  PetscCall(MatGetLocalSize(o->P, &m[1], &n[1]));
  *yes = (PetscBool)(*yes && m[0] == m[1] && n[0] == n[1]);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, yes, 1, MPIU_BOOL, MPI_LAND, PetscObjectComm((PetscObject)o->P)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* *why is set where no model may act on it: then no entry of it is read, and it is not applied. */
PetscErrorCode OperatorOf(KSP ksp, Operator *o, Why *why)
{
  PetscBool set, usable;

  PetscFunctionBegin;
  *o = (Operator){0};
  PetscCall(KSPGetOperatorsSet(ksp, &set, NULL));
  if (!set) {
    *why = WHY_NO_OPERATOR;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(KSPGetOperators(ksp, &o->A, &o->P));
  PetscCall(MatGetSize(o->P, &o->rows, NULL));
  PetscCall(PetscObjectGetId((PetscObject)o->A, &o->applied));
  PetscCall(PetscObjectGetId((PetscObject)o->P, &o->id));
  PetscCall(PetscObjectStateGet((PetscObject)o->P, &o->state));
  PetscCall(MatGetNonzeroState(o->P, &o->pattern));
  PetscCall(PetscObjectBaseTypeCompare((PetscObject)o->P, MATMPIAIJ, &o->several));
  PetscCall(MatIsRows(o->P, &o->readable));
  if (!o->readable) *why = WHY_NOT_ROWS;
  if (!OperatorIsTwo(o)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Multiplies(o, &usable));
  if (!usable && o->readable) *why = WHY_NO_PRODUCT;
  o->readable = (PetscBool)(o->readable && usable);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool OperatorSame(const Operator *a, const Operator *b)
{
  return (PetscBool)(a->applied == b->applied && a->id == b->id && a->state == b->state);
}

PetscBool OperatorIsTwo(const Operator *o)
{
  return (PetscBool)(o->A != o->P);
}

/* Options of the program that are about its matrix, such as -matconvert_type, are not meant for preconditioners of ours. */
PetscErrorCode OperatorKeep(Mat P, const char *prefix, OperatorMarks *m)
{
  PetscBool mpi;

  PetscFunctionBegin;
  *m = (OperatorMarks){.mat = {P}};
  PetscCall(PetscObjectBaseTypeCompare((PetscObject)P, MATMPIAIJ, &mpi));
  if (mpi) PetscCall(MatMPIAIJGetSeqAIJ(P, &m->mat[1], &m->mat[2], NULL));
  for (int i = 0; i < 3 && m->mat[i]; i++) {
    m->prefix[i]                     = ((PetscObject)m->mat[i])->prefix; /* the pointer itself: the program may hold it */
    m->factor[i]                     = m->mat[i]->factorprefix;
    ((PetscObject)m->mat[i])->prefix = m->mat[i]->factorprefix = NULL;
    m->raises[i]                                               = m->mat[i]->erroriffailure;
    PetscCall(MatSetOptionsPrefix(m->mat[i], prefix));
    m->failed[i] = (int)m->mat[i]->factorerrortype;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OperatorPutBack(OperatorMarks *m)
{
  PetscFunctionBegin;
  for (int i = 0; i < 3 && m->mat[i]; i++) {
    PetscCall(PetscFree(((PetscObject)m->mat[i])->prefix));
    PetscCall(PetscFree(m->mat[i]->factorprefix));
    ((PetscObject)m->mat[i])->prefix = m->prefix[i];
    m->mat[i]->factorprefix          = m->factor[i];
    m->mat[i]->erroriffailure        = m->raises[i];
    m->mat[i]->factorerrortype       = (MatFactorError)m->failed[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
