/* change.c - some rows of an operator are kept, and compared with what they are later. */
#include "change.h"
#include <math.h>

#define GOLDEN 0.6180339887498949 /* multiples of it, without their whole part, lie evenly between 0 and 1 */

typedef struct {
  double n, moved, moved2, rows; /* sums over rows: of how ln |a_ii| has moved, of its square; of rows, squared */
} Sums4;

static inline double Entry(const Row *row, PetscInt k)
{
  return PetscRealPart(k < row->n ? row->val[k] : row->offval[k - row->n]);
}

static inline PetscInt Column(const Row *row, PetscInt k)
{
  return k < row->n ? row->col[k] : -1 - row->off[k - row->n];
}

static inline PetscInt Length(const Row *row)
{
  return PetscMin(row->n + row->noff, CHANGE_ENTRIES);
}

/* The diagonal of local row i among the first n entries; 0: it is not there. Columns of the block count from cstart. */
static double Diagonal(PetscInt n, const PetscInt col[], const double val[], PetscInt at)
{
  for (PetscInt k = 0; k < n; k++)
    if (col[k] == at) return val[k];
  return 0;
}

PetscErrorCode SampledFree(Sampled *s)
{
  PetscFunctionBegin;
  PetscCall(PetscFree2(s->row, s->begin));
  PetscCall(PetscFree2(s->col, s->val));
  *s = (Sampled){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Copy(const Row *row, PetscInt n, PetscInt col[], double val[])
{
  for (PetscInt k = 0; k < n; k++) {
    col[k] = Column(row, k);
    val[k] = Entry(row, k);
  }
}

PetscErrorCode SampledTake(Mat A, Sampled *s)
{
  PetscInt N, most, entries = 0;
  Rows     r;

  PetscFunctionBegin;
  PetscCall(SampledFree(s));
  PetscCall(MatGetSize(A, &N, NULL));
  PetscCall(RowsOpen(A, &r));
  most = PetscMin(N, CHANGE_ROWS);
  PetscCall(PetscMalloc2(most, &s->row, most + 1, &s->begin));
  s->rows     = N;
  s->local    = r.rend - r.rstart;
  s->begin[0] = 0;
  for (PetscInt k = 0; k < most; k++) {
    const double   at = N <= CHANGE_ROWS ? 0 : (double)(k + 1) * GOLDEN;
    const PetscInt i  = (N <= CHANGE_ROWS ? k : PetscMin((PetscInt)((at - floor(at)) * (double)N), N - 1)) - r.rstart;
    if (i < 0 || i >= s->local) continue;
    const Row row      = RowsGet(&r, i);
    s->row[s->n]       = i;
    s->begin[s->n + 1] = entries += Length(&row);
    s->n++;
  }
  PetscCall(PetscMalloc2(entries, &s->col, entries, &s->val));
  for (PetscInt k = 0; k < s->n; k++) {
    const Row row = RowsGet(&r, s->row[k]);
    Copy(&row, s->begin[k + 1] - s->begin[k], s->col + s->begin[k], s->val + s->begin[k]);
  }
  PetscCall(RowsClose(A, &r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SampledFits(Mat A, const Sampled *s, PetscBool *fits)
{
  PetscInt N, n;
  int      all;

  PetscFunctionBegin;
  PetscCall(MatGetSize(A, &N, NULL));
  PetscCall(MatGetLocalSize(A, &n, NULL));
  all = s->rows == N && s->local == n;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT, MPI_MIN, PetscObjectComm((PetscObject)A)));
  *fits = (PetscBool)all;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* |now / its diagonal - before / its diagonal|^2 / |before / its diagonal|^2, beside the diagonal. */
static double Moved(PetscInt n, const PetscInt col[], const double before[], double d, const PetscInt now_col[], const double now[],
                    double e, PetscInt at)
{
  double apart = 0, size = 0;

  for (PetscInt k = 0; k < n; k++) {
    if (col[k] != now_col[k]) return 1;
    if (col[k] == at) continue;
    const double was = before[k] / d, is = now[k] / e;
    apart += (is - was) * (is - was);
    size += was * was;
  }
  return size > 0 ? fmin(apart / size, 1) : apart > 0;
}

static void RowCompare(const Sampled *s, PetscInt k, const Row *row, PetscInt at, Sums4 *sums)
{
  const PetscInt n = s->begin[k + 1] - s->begin[k], *col = s->col + s->begin[k];
  const double  *before = s->val + s->begin[k];
  PetscInt       now_col[CHANGE_ENTRIES];
  double         now[CHANGE_ENTRIES], d = Diagonal(n, col, before, at), e, moved;

  sums->n++;
  if (Length(row) != n) {
    sums->rows++;
    return;
  }
  Copy(row, n, now_col, now);
  e = Diagonal(n, now_col, now, at);
  if (d == 0 || e == 0) {
    sums->rows += d != e;
    return;
  }
  moved = log(fabs(e / d));
  sums->moved += moved;
  sums->moved2 += moved * moved;
  sums->rows += Moved(n, col, before, d, now_col, now, e, at);
}

PetscErrorCode SampledCompare(Mat A, const Sampled *s, Change *c)
{
  Sums4  sums = {0};
  Rows   r;
  double mean;

  PetscFunctionBegin;
  PetscCall(RowsOpen(A, &r));
  for (PetscInt k = 0; k < s->n; k++) {
    const Row row = RowsGet(&r, s->row[k]);
    RowCompare(s, k, &row, s->row[k] + r.rstart - r.cstart, &sums);
  }
  PetscCall(RowsClose(A, &r));
  PetscCallMPI(
    MPI_Allreduce(MPI_IN_PLACE, &sums, sizeof sums / sizeof sums.n, MPI_DOUBLE, MPI_SUM, PetscObjectComm((PetscObject)A)));
  mean        = sums.moved / fmax(sums.n, 1);
  c->diagonal = sqrt(fmax(sums.moved2 / fmax(sums.n, 1) - mean * mean, 0));
  c->rows     = sqrt(sums.rows / fmax(sums.n, 1));
  PetscFunctionReturn(PETSC_SUCCESS);
}
