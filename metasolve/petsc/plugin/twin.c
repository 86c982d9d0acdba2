/* twin.c - an AIJ copy of a matrix in blocks, or of matrices, made and updated. */
#include "twin.h"
#include "nested.h"
#include "spare.h"

#define ENTRY_BYTES (sizeof(PetscScalar) + sizeof(PetscInt))
#define SUBCLASSES  MATSEQAIJPERM, MATMPIAIJPERM, MATSEQAIJSELL, MATMPIAIJSELL
#define SYMMETRIC   2 /* times the entries that a symmetric matrix stores */

PetscErrorCode TwinMay(Mat A, PetscBool *yes)
{
  PetscInt M, N;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)A, yes, MATSEQBAIJ, MATMPIBAIJ, MATSEQSBAIJ, MATMPISBAIJ, SUBCLASSES, ""));
  if (*yes) PetscCall(MatAssembled(A, yes));
  else PetscCall(NestedMay(A, yes));
  PetscCall(MatGetSize(A, &M, &N));
  if (M != N) *yes = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* On all ranks, of half of what there is. */
static PetscErrorCode Room(Mat A, PetscBool *yes)
{
  double entries;
  int    fits;

  PetscFunctionBegin;
  PetscCall(NestedEntries(A, MAT_GLOBAL_SUM, &entries));
  fits = SYMMETRIC * ENTRY_BYTES * entries < MemoryFree() / 2;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &fits, 1, MPI_INT, MPI_MIN, PetscObjectComm((PetscObject)A)));
  *yes = (PetscBool)fits;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the program has said of its matrix, as a solver asks for it. */
static PetscErrorCode Said(Mat A, Mat aij)
{
  MatNullSpace null, near;

  PetscFunctionBegin;
  PetscCall(MatGetNullSpace(A, &null));
  PetscCall(MatGetNearNullSpace(A, &near));
  PetscCall(MatSetNullSpace(aij, null));
  PetscCall(MatSetNearNullSpace(aij, near));
  PetscCall(MatPropagateSymmetryOptions(A, aij));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Values of the blocks beside the diagonal, or on it, to their places in the twin. *done: these are as expected. */
static PetscErrorCode Scatter(Mat A, Mat aij, PetscBool *done)
{
  const PetscInt *bi, *bj, *ai, *aj;
  PetscScalar    *from, *to;
  PetscInt        bs, blocks, rows;
  PetscBool       all[2];

  PetscFunctionBegin;
  PetscCall(MatGetBlockSize(A, &bs));
  PetscCall(MatGetRowIJ(A, 0, PETSC_FALSE, PETSC_TRUE, &blocks, &bi, &bj, &all[0]));
  PetscCall(MatGetRowIJ(aij, 0, PETSC_FALSE, PETSC_FALSE, &rows, &ai, &aj, &all[1]));
  *done = (PetscBool)(all[0] && all[1] && rows == blocks * bs && ai[rows] == bi[blocks] * bs * bs);
  if (*done) {
    PetscCall(MatSeqBAIJGetArray(A, &from));
    PetscCall(MatSeqAIJGetArray(aij, &to));
    for (PetscInt i = 0; i < rows; i++) {
      const PetscInt first = bi[i / bs], n = bi[i / bs + 1] - first;
      for (PetscInt k = 0; k < n; k++)
        for (PetscInt c = 0; c < bs; c++) to[ai[i] + k * bs + c] = from[((first + k) * bs + c) * bs + i % bs];
    }
    PetscCall(MatSeqAIJRestoreArray(aij, &to));
    PetscCall(MatSeqBAIJRestoreArray(A, &from));
  }
  PetscCall(MatRestoreRowIJ(aij, 0, PETSC_FALSE, PETSC_FALSE, &rows, &ai, &aj, &all[1]));
  PetscCall(MatRestoreRowIJ(A, 0, PETSC_FALSE, PETSC_TRUE, &blocks, &bi, &bj, &all[0]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode UpdateBlocks(Mat A, Mat *aij)
{
  PetscBool several, done, both = PETSC_TRUE;
  Mat       from[2] = {A, NULL}, to[2] = {*aij, NULL};
  int       all;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)A, MATMPIBAIJ, &several));
  if (several) PetscCall(MatMPIBAIJGetSeqBAIJ(A, &from[0], &from[1], NULL));
  if (several) PetscCall(MatMPIAIJGetSeqAIJ(*aij, &to[0], &to[1], NULL));
  PetscCall(Scatter(from[0], to[0], &done));
  if (several) PetscCall(Scatter(from[1], to[1], &both));
  all = done && both;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT, MPI_MIN, PetscObjectComm((PetscObject)A)));
  if (all) PetscCall(PetscObjectStateIncrease((PetscObject)*aij));
  else PetscCall(MatConvert(A, MATAIJ, MAT_REUSE_MATRIX, aij));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* PETSc 3.18 puts the values of larger blocks of a sequential SBAIJ matrix into wrong places of one that is there. A nested one
   is copied anew. */
static PetscErrorCode UpdateAnew(Mat A, Mat *aij)
{
  PetscBool anew;
  Mat       fresh;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)A, &anew, MATSEQSBAIJ, MATNEST, ""));
  if (anew) {
    PetscCall(MatConvert(A, MATAIJ, MAT_INITIAL_MATRIX, &fresh));
    PetscCall(MatCopy(fresh, *aij, SAME_NONZERO_PATTERN));
    PetscCall(MatDestroy(&fresh));
  } else PetscCall(MatConvert(A, MATAIJ, MAT_REUSE_MATRIX, aij));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Update(Mat A, Mat *aij)
{
  PetscBool rows, blocks;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)A, &rows, SUBCLASSES, ""));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)A, &blocks, MATSEQBAIJ, MATMPIBAIJ, ""));
  if (rows) PetscCall(MatCopy(A, *aij, SAME_NONZERO_PATTERN));
  else if (blocks) PetscCall(UpdateBlocks(A, aij));
  else PetscCall(UpdateAnew(A, aij));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Make(Mat A, PetscBool same, Mat *aij)
{
  PetscFunctionBegin;
  if (same) PetscCall(Update(A, aij));
  else PetscCall(MatConvert(A, MATAIJ, MAT_INITIAL_MATRIX, aij));
  PetscCall(Said(A, *aij));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* *aij NULL: there is no memory for it, and none before. */
static PetscErrorCode MakeQuietly(Mat A, PetscBool same, Mat *aij)
{
  PetscBool      room = PETSC_TRUE;
  PetscErrorCode err  = PETSC_SUCCESS;
  int            failed;

  PetscFunctionBegin;
  if (!same) PetscCall(MatDestroy(aij));
  if (!same) PetscCall(Room(A, &room));
  if (!room) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscPushErrorHandler(PetscIgnoreErrorHandler, NULL));
  err = Make(A, same, aij);
  PetscCall(PetscPopErrorHandler());
  failed = err != 0;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_MAX, PetscObjectComm((PetscObject)A)));
  if (failed) *aij = NULL; /* an error in the middle of it: what there is of it is left behind */
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TwinOf(Twin *t, Mat A, Mat *aij)
{
  Twin      now  = {.aij = t->aij};
  PetscBool same = PETSC_FALSE;

  PetscFunctionBegin;
  *aij = NULL;
  PetscCall(PetscObjectGetId((PetscObject)A, &now.id));
  PetscCall(NestedState(A, &now.state, &now.pattern));
  if (t->aij) same = (PetscBool)(t->id == now.id && t->pattern == now.pattern);
  *aij = t->aij;
  if (same && t->state == now.state) PetscFunctionReturn(PETSC_SUCCESS);
  *t = (Twin){0};
  PetscCall(MakeQuietly(A, same, &now.aij));
  if (now.aij) *t = now;
  *aij = now.aij;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TwinFree(Twin *t)
{
  PetscFunctionBegin;
  PetscCall(MatDestroy(&t->aij));
  *t = (Twin){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}
