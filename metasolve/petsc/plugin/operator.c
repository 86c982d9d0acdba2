/* operator.c - the matrix of a KSP: which one it is, whether it can be acted on, and its marks. */
#include "operator.h"
#include <petsc/private/matimpl.h>

/* *why is set where no model may act on it: then no entry of it is read, and it is not applied. */
PetscErrorCode OperatorOf(KSP ksp, Operator *o, Why *why)
{
  PetscBool set, rows;
  Mat       P;

  PetscFunctionBegin;
  *o = (Operator){0};
  PetscCall(KSPGetOperatorsSet(ksp, &set, NULL));
  if (!set) {
    *why = WHY_NO_OPERATOR;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(KSPGetOperators(ksp, &o->A, &P));
  PetscCall(MatGetSize(o->A, &o->rows, NULL));
  PetscCall(PetscObjectGetId((PetscObject)o->A, &o->id));
  PetscCall(PetscObjectStateGet((PetscObject)o->A, &o->state));
  PetscCall(MatGetNonzeroState(o->A, &o->pattern));
  PetscCall(MatIsRows(o->A, &rows));
  PetscCall(PetscObjectBaseTypeCompare((PetscObject)o->A, MATMPIAIJ, &o->several));
  if (o->A != P) *why = WHY_TWO_MATRICES;
  else if (!rows) *why = WHY_NOT_ROWS;
  o->readable = (PetscBool)(rows && o->A == P);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool OperatorSame(const Operator *a, const Operator *b)
{
  return (PetscBool)(a->id == b->id && a->state == b->state);
}

/* Options of the program that are about its matrix, such as -matconvert_type, are not meant for preconditioners of ours. */
PetscErrorCode OperatorKeep(Mat A, const char *prefix, OperatorMarks *m)
{
  PetscBool mpi;

  PetscFunctionBegin;
  *m = (OperatorMarks){.mat = {A}};
  PetscCall(PetscObjectBaseTypeCompare((PetscObject)A, MATMPIAIJ, &mpi));
  if (mpi) PetscCall(MatMPIAIJGetSeqAIJ(A, &m->mat[1], &m->mat[2], NULL));
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
