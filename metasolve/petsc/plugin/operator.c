/* operator.c - the matrix of a KSP: which one it is, whether it can be acted on, and its marks. */
#include "operator.h"
#include "nested.h"
#include <petsc/private/matimpl.h>
#include <string.h>

/* Can they be read, as they are or by a twin? */
static PetscErrorCode Entries(Operator *o)
{
  PetscBool   rows, nested;
  PetscMPIInt ranks;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)o->given), &ranks));
  PetscCall(PetscStrbeginswith(((PetscObject)o->given)->type_name, "mpi", &o->several));
  PetscCall(PetscObjectTypeCompare((PetscObject)o->given, MATNEST, &nested));
  if (nested) o->several = (PetscBool)(ranks > 1);
  PetscCall(MatIsRows(o->given, &rows));
  PetscCall(TwinMay(o->given, &o->readable));
  if (rows) o->P = o->given;
  o->readable = (PetscBool)(o->readable || rows);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Can A be applied to the same vectors? */
static PetscErrorCode Multiplies(Operator *o)
{
  PetscInt  m[2], n[2];
  PetscBool made;
  int       all;

  PetscFunctionBegin;
  PetscCall(MatAssembled(o->A, &made));
  if (made) PetscCall(MatHasOperation(o->A, MATOP_MULT, &made));
  PetscCall(MatGetLocalSize(o->A, &m[0], &n[0]));
  PetscCall(MatGetLocalSize(o->given, &m[1], &n[1]));
  all = made && m[0] == m[1] && n[0] == n[1];
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT, MPI_MIN, PetscObjectComm((PetscObject)o->given)));
  o->readable = (PetscBool)all;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Nested vectors are none of the matrix that is read. */
static PetscErrorCode Plain(KSP ksp, PetscBool *plain, Why *why)
{
  const Vec both[2] = {ksp->vec_rhs, ksp->vec_sol};
  PetscBool nested;

  PetscFunctionBegin;
  for (int i = 0; i < 2; i++) {
    if (!both[i]) continue;
    PetscCall(PetscObjectTypeCompare((PetscObject)both[i], VECNEST, &nested));
    if (nested) *plain = PETSC_FALSE;
  }
  if (!*plain) *why = WHY_NESTED;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* *why is set where no model may act on it: then no entry of it is read, and it is not applied. */
PetscErrorCode OperatorOf(KSP ksp, Operator *o, Why *why)
{
  PetscBool set;

  PetscFunctionBegin;
  *o = (Operator){0};
  PetscCall(KSPGetOperatorsSet(ksp, &set, NULL));
  if (!set) {
    *why = WHY_NO_OPERATOR;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(KSPGetOperators(ksp, &o->A, &o->given));
  PetscCall(MatGetSize(o->given, &o->rows, NULL));
  PetscCall(PetscObjectGetId((PetscObject)o->A, &o->applied));
  PetscCall(PetscObjectGetId((PetscObject)o->given, &o->id));
  PetscCall(NestedState(o->given, &o->state, &o->pattern));
  PetscCall(Entries(o));
  if (!o->readable) *why = WHY_NOT_ROWS;
  else PetscCall(Plain(ksp, &o->readable, why));
  if (!o->readable || !OperatorIsTwo(o)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Multiplies(o));
  if (!o->readable) *why = WHY_NO_PRODUCT;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OperatorRead(Operator *o, Twin *twin, Why *why)
{
  PetscFunctionBegin;
  if (o->P) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TwinOf(twin, o->given, &o->P));
  if (o->P) PetscFunctionReturn(PETSC_SUCCESS);
  o->readable = PETSC_FALSE;
  *why        = WHY_MEMORY;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Incomplete LU of blocks is that of their entries, in half the time. */
static PetscBool InBlocks(const Operator *o, const Settings *s)
{
  const char *type = ((PetscObject)o->given)->type_name, *pc = SettingsGet(s, "pc_type"), *sub = SettingsGet(s, "sub_pc_type");

  if (strcmp(type, MATSEQBAIJ) && strcmp(type, MATMPIBAIJ)) return PETSC_FALSE;
  if (*SettingsGet(s, "pc_factor_mat_ordering_type") || *SettingsGet(s, "sub_pc_factor_mat_ordering_type")) return PETSC_FALSE;
  return (PetscBool)(!strcmp(pc, PCILU) || (!strcmp(pc, PCBJACOBI) && !strcmp(sub, PCILU)));
}

void OperatorsFor(const Operator *o, const Settings *s, Mat *A, Mat *P)
{
  *P = InBlocks(o, s) ? o->given : o->P;
  *A = OperatorIsTwo(o) ? o->A : *P;
}

PetscBool OperatorSame(const Operator *a, const Operator *b)
{
  return (PetscBool)(a->applied == b->applied && a->id == b->id && a->state == b->state);
}

PetscBool OperatorIsTwo(const Operator *o)
{
  return (PetscBool)(o->A != o->given);
}

/* Options of the program that are about its matrix, such as -matconvert_type, are not meant for preconditioners of ours. */
PetscErrorCode OperatorKeep(Mat P, const char *prefix, OperatorMarks *m)
{
  PetscBool mpi, blocks;

  PetscFunctionBegin;
  *m = (OperatorMarks){.mat = {P}};
  PetscCall(PetscObjectBaseTypeCompare((PetscObject)P, MATMPIAIJ, &mpi));
  if (mpi) PetscCall(MatMPIAIJGetSeqAIJ(P, &m->mat[1], &m->mat[2], NULL));
  PetscCall(PetscObjectTypeCompare((PetscObject)P, MATMPIBAIJ, &blocks));
  if (blocks) PetscCall(MatMPIBAIJGetSeqBAIJ(P, &m->mat[1], &m->mat[2], NULL));
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
