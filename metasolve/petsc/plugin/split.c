/* split.c - rows by the sign of their diagonal. */
#include "split.h"
#include <math.h>
#include <string.h>

typedef enum {
  SPLIT_NONE,
  SPLIT_ZEROS,
  SPLIT_NEGATIVE
} Split;

static inline PetscBool Negative(PetscScalar d)
{
  return (PetscBool)isless(PetscRealPart(d), 0);
}

/* In a plain vector, which those of a nested matrix may not be. */
static PetscErrorCode DiagonalOf(Mat A, Vec *d)
{
  PetscInt n, N;

  PetscFunctionBegin;
  PetscCall(MatGetLocalSize(A, &n, NULL));
  PetscCall(MatGetSize(A, &N, NULL));
  PetscCall(VecCreate(PetscObjectComm((PetscObject)A), d));
  PetscCall(VecSetSizes(*d, n, N));
  PetscCall(VecSetType(*d, VECSTANDARD));
  PetscCall(MatGetDiagonal(A, *d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiagonalCount(Mat A, Diagonal *count)
{
  const PetscScalar *d;
  PetscInt           n;
  Vec                v;

  PetscFunctionBegin;
  *count = (Diagonal){0, 0, 0};
  PetscCall(DiagonalOf(A, &v));
  PetscCall(VecGetLocalSize(v, &n));
  PetscCall(VecGetArrayRead(v, &d));
  for (PetscInt i = 0; i < n; i++) {
    if (d[i] == 0) count->zero++;
    else if (Negative(d[i])) count->negative++;
    else count->positive++;
  }
  PetscCall(VecRestoreArrayRead(v, &d));
  PetscCall(VecDestroy(&v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode How(Mat A, Split *how)
{
  Diagonal mine;
  PetscInt all[3];

  PetscFunctionBegin;
  PetscCall(DiagonalCount(A, &mine));
  all[0] = mine.positive;
  all[1] = mine.negative;
  all[2] = mine.zero;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, all, 3, MPIU_INT, MPI_SUM, PetscObjectComm((PetscObject)A)));
  *how = all[2] && all[0] + all[1] ? SPLIT_ZEROS : all[0] && all[1] ? SPLIT_NEGATIVE : SPLIT_NONE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SplitMay(Mat A, PetscBool *yes)
{
  Split how;

  PetscFunctionBegin;
  PetscCall(How(A, &how));
  *yes = (PetscBool)(how != SPLIT_NONE);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The diagonal of rows of other ranks that rows of this one have entries for. */
static PetscErrorCode Beside(const Rows *r, Vec d, Vec *there)
{
  PetscInt   n = 0;
  IS         from;
  VecScatter move;

  PetscFunctionBegin;
  if (r->off) PetscCall(MatGetLocalSize(r->off, NULL, &n));
  PetscCall(VecCreateSeq(PETSC_COMM_SELF, n, there));
  PetscCall(ISCreateGeneral(PETSC_COMM_SELF, n, r->garray, PETSC_COPY_VALUES, &from));
  PetscCall(VecScatterCreate(d, from, *there, NULL, &move));
  PetscCall(VecScatterBegin(move, d, *there, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(move, d, *there, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterDestroy(&move));
  PetscCall(ISDestroy(&from));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Relative to both diagonals: no unit matters. sum[1]: of entries in columns of negative rows; sum[0]: of others */
static inline void Add(PetscScalar a, PetscScalar row, PetscScalar column, double sum[])
{
  if (column != 0) sum[Negative(column)] += PetscAbsScalar(a) / sqrt(PetscAbsScalar(row) * PetscAbsScalar(column));
}

/* sum[2]: the rows */
static void AddRow(const Row *row, const PetscScalar d[], const PetscScalar there[], PetscScalar own, double sum[3])
{
  for (PetscInt k = 0; k < row->n; k++) Add(row->val[k], own, d[row->col[k]], sum);
  for (PetscInt k = 0; k < row->noff; k++) Add(row->offval[k], own, there[row->off[k]], sum);
  sum[1] -= 1; /* its own entry */
  sum[2] += 1;
}

PetscErrorCode SplitTies(Mat A, Ties *ties)
{
  const PetscScalar *d, *beside;
  double             sum[3] = {0, 0, 0};
  Rows               r;
  Vec                v, there;

  PetscFunctionBegin;
  PetscCall(DiagonalOf(A, &v));
  PetscCall(RowsOpen(A, &r));
  PetscCall(Beside(&r, v, &there));
  PetscCall(VecGetArrayRead(v, &d));
  PetscCall(VecGetArrayRead(there, &beside));
  for (PetscInt i = 0; i < r.rend - r.rstart; i++) {
    const Row row = RowsGet(&r, i);
    if (Negative(d[i])) AddRow(&row, d, beside, d[i], sum);
  }
  PetscCall(VecRestoreArrayRead(there, &beside));
  PetscCall(VecRestoreArrayRead(v, &d));
  PetscCall(RowsClose(A, &r));
  PetscCall(VecDestroy(&there));
  PetscCall(VecDestroy(&v));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sum, 3, MPI_DOUBLE, MPI_SUM, PetscObjectComm((PetscObject)A)));
  *ties = (Ties){sum[0] / fmax(sum[2], 1), sum[1] / fmax(sum[2], 1)};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NegativeRows(Mat A, IS *rows)
{
  const PetscScalar *d;
  PetscInt           first, last, n = 0, *index;
  Vec                v;

  PetscFunctionBegin;
  PetscCall(MatGetOwnershipRange(A, &first, &last));
  PetscCall(PetscMalloc1((size_t)(last - first), &index));
  PetscCall(DiagonalOf(A, &v));
  PetscCall(VecGetArrayRead(v, &d));
  for (PetscInt i = first; i < last; i++)
    if (Negative(d[i - first])) index[n++] = i;
  PetscCall(VecRestoreArrayRead(v, &d));
  PetscCall(VecDestroy(&v));
  PetscCall(ISCreateGeneral(PetscObjectComm((PetscObject)A), n, index, PETSC_COPY_VALUES, rows));
  PetscCall(PetscFree(index));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Named as PETSc names those that it finds: options are for these. */
PetscErrorCode SplitRows(PC pc, const Settings *s, Mat A)
{
  PetscInt first, last;
  Split    how;
  IS       rows[2];

  PetscFunctionBegin;
  if (!*SettingsGet(s, "pc_fieldsplit_detect_saddle_point")) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(How(A, &how));
  if (how != SPLIT_NEGATIVE) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatGetOwnershipRange(A, &first, &last));
  PetscCall(NegativeRows(A, &rows[1]));
  PetscCall(ISComplement(rows[1], first, last, &rows[0]));
  PetscCall(PCFieldSplitSetIS(pc, "0", rows[0]));
  PetscCall(PCFieldSplitSetIS(pc, "1", rows[1]));
  PetscCall(ISDestroy(&rows[0]));
  PetscCall(ISDestroy(&rows[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}
