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

static PetscErrorCode DiagonalOf(Mat A, Vec *d)
{
  PetscFunctionBegin;
  PetscCall(MatCreateVecs(A, NULL, d));
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

/* A row's entries in columns of this rank, each relative to both diagonals: no unit matters. sum[1]: in those of negative rows. */
static void AddCoupling(const Rows *r, const PetscScalar d[], PetscInt i, double sum[2])
{
  const PetscInt n = r->rend - r->rstart;

  for (PetscInt k = r->ai[i]; k < r->ai[i + 1]; k++) {
    const PetscInt j = r->aj[k] + r->cstart - r->rstart;
    if (j < 0 || j >= n || d[j] == 0) continue;
    sum[Negative(d[j])] += PetscAbsScalar(r->aa[k]) / sqrt(PetscAbsScalar(d[i]) * PetscAbsScalar(d[j]));
  }
}

PetscErrorCode SplitWithin(Mat A, double *share)
{
  const PetscScalar *d;
  double             sum[2] = {0, 0};
  Rows               r;
  Vec                v;

  PetscFunctionBegin;
  PetscCall(DiagonalOf(A, &v));
  PetscCall(VecGetArrayRead(v, &d));
  PetscCall(RowsOpen(A, &r));
  for (PetscInt i = 0; i < r.rend - r.rstart; i++)
    if (Negative(d[i])) AddCoupling(&r, d, i, sum);
  PetscCall(RowsClose(A, &r));
  PetscCall(VecRestoreArrayRead(v, &d));
  PetscCall(VecDestroy(&v));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sum, 2, MPI_DOUBLE, MPI_SUM, PetscObjectComm((PetscObject)A)));
  *share = sum[1] > 0 ? sum[1] / (sum[0] + sum[1]) : 0;
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
