/* change.c - some rows of an operator are kept, and compared with what they are later. */
#include "change.h"
#include <math.h>

#define FURTHEST 3.                 /* that the logarithm of an entry may move: entries vanish, and change their sign */
#define GOLDEN   0.6180339887498949 /* multiples of it, without their whole part, lie evenly between 0 and 1 */

typedef struct {                                       /* sums over rows and entries */
  double      rows, diagonal2, weight, beside2, other; /* other: rows whose pattern is another */
  PetscScalar diagonal, beside;
} Moves;

static inline PetscScalar Entry(const Row *row, PetscInt k)
{
  return k < row->n ? row->val[k] : row->offval[k - row->n];
}

static inline PetscInt Column(const Row *row, PetscInt k)
{
  return k < row->n ? row->col[k] : -1 - row->off[k - row->n];
}

static inline PetscInt Length(const Row *row)
{
  return PetscMin(row->n + row->noff, CHANGE_ENTRIES);
}

/* 0: it is not there. It may be beyond the entries that are kept. Columns of the block count from cstart. */
static PetscScalar Diagonal(const Row *row, PetscInt at)
{
  for (PetscInt k = 0; k < row->n; k++)
    if (row->col[k] == at) return row->val[k];
  return 0;
}

/* What entries of a row are relative to. */
static double Size(PetscScalar diagonal, PetscInt n, const PetscScalar val[])
{
  double sum = 0;

  if (diagonal != 0) return PetscAbsScalar(diagonal);
  for (PetscInt k = 0; k < n; k++) sum += PetscAbsScalar(val[k]);
  return sum;
}

PetscErrorCode SampledFree(Sampled *s)
{
  PetscFunctionBegin;
  PetscCall(PetscFree3(s->row, s->begin, s->diagonal));
  PetscCall(PetscFree2(s->col, s->val));
  *s = (Sampled){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Copy(const Row *row, PetscInt n, PetscInt col[], PetscScalar val[])
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
  PetscCall(PetscMalloc3(most, &s->row, most + 1, &s->begin, most, &s->diagonal));
  s->rows     = N;
  s->local    = r.rend - r.rstart;
  s->begin[0] = 0;
  for (PetscInt k = 0; k < most; k++) {
    const double   at = N <= CHANGE_ROWS ? 0 : (double)(k + 1) * GOLDEN;
    const PetscInt i  = (N <= CHANGE_ROWS ? k : PetscMin((PetscInt)((at - floor(at)) * (double)N), N - 1)) - r.rstart;
    if (i < 0 || i >= s->local) continue;
    const Row row      = RowsGet(&r, i);
    s->diagonal[s->n]  = Diagonal(&row, i + r.rstart - r.cstart);
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

static inline double Square(PetscScalar x)
{
  return PetscRealPart(x) * PetscRealPart(x) + PetscImaginaryPart(x) * PetscImaginaryPart(x);
}

/* Of the logarithm of an entry. The imaginary part is by how much a complex one has turned. */
static PetscScalar Moved(PetscScalar now, PetscScalar then)
{
  if (now == 0 && then == 0) return 0;
#if defined(PETSC_USE_COMPLEX)
  if (now == 0 || then == 0) return FURTHEST;
  const PetscScalar moved = PetscLogScalar(now / then);
  return PetscCMPLX(fmin(fmax(PetscRealPart(moved), -FURTHEST), FURTHEST), PetscImaginaryPart(moved));
#else
  return now * then > 0 ? fmin(fmax(log(now / then), -FURTHEST), FURTHEST) : FURTHEST;
#endif
}

static PetscBool SamePattern(PetscInt n, const PetscInt a[], const PetscInt b[])
{
  for (PetscInt i = 0; i < n; i++)
    if (a[i] != b[i]) return PETSC_FALSE;
  return PETSC_TRUE;
}

static void RowMoved(const Sampled *s, PetscInt k, const Row *row, PetscInt at, Moves *m)
{
  const PetscInt     n = s->begin[k + 1] - s->begin[k], *col = s->col + s->begin[k];
  const PetscScalar *then = s->val + s->begin[k];
  PetscInt           now_col[CHANGE_ENTRIES];
  PetscScalar        now[CHANGE_ENTRIES], d;
  double             scale;

  m->rows++;
  if (Length(row) == n) Copy(row, n, now_col, now);
  if (Length(row) != n || !SamePattern(n, col, now_col)) {
    m->other++;
    return;
  }
  d     = Diagonal(row, at);
  scale = sqrt(Size(d, n, now) * Size(s->diagonal[k], n, then));
  d     = Moved(d, s->diagonal[k]);
  m->diagonal += d;
  m->diagonal2 += Square(d);
  for (PetscInt i = 0; i < n; i++) {
    if (col[i] == at || scale == 0) continue;
    const double      weight = (PetscAbsScalar(now[i]) + PetscAbsScalar(then[i])) / scale;
    const PetscScalar moved  = Moved(now[i], then[i]);
    m->weight += weight;
    m->beside += weight * moved;
    m->beside2 += weight * Square(moved);
  }
}

static double Variance(double n, PetscScalar sum, double squares)
{
  return n > 0 ? fmax(squares / n - Square(sum / n), 0) : 0;
}

PetscErrorCode SampledChange(Mat A, const Sampled *s, double *change)
{
  Moves  m = {0};
  Rows   r;
  double other;

  PetscFunctionBegin;
  PetscCall(RowsOpen(A, &r));
  for (PetscInt k = 0; k < s->n; k++) {
    const Row row = RowsGet(&r, s->row[k]);
    RowMoved(s, k, &row, s->row[k] + r.rstart - r.cstart, &m);
  }
  PetscCall(RowsClose(A, &r));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &m, sizeof m / sizeof m.rows, MPI_DOUBLE, MPI_SUM, PetscObjectComm((PetscObject)A)));
  other   = FURTHEST * m.other / fmax(m.rows, 1);
  *change = sqrt(Variance(m.rows - m.other, m.diagonal, m.diagonal2) + Variance(m.weight, m.beside, m.beside2) + other * other);
  PetscFunctionReturn(PETSC_SUCCESS);
}
