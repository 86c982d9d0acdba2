/* change.c - some rows of an operator are kept, and compared with what they are later. */
#include "change.h"
#include <math.h>

#define FURTHEST 3.                 /* that the logarithm of an entry may move: entries vanish, and change their sign */
#define SHARE    16                 /* of the rows, one is looked at: a front is few of many */
#define GOLDEN   0.6180339887498949 /* multiples of it, without their whole part, lie evenly between 0 and 1 */

typedef struct {                                                  /* sums over rows and entries */
  double      rows, other, diagonals, diagonal2, weight, beside2; /* other: rows whose pattern is another */
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

/* Of all N rows, the k-th that is looked at of so many. */
static PetscInt Spread(PetscInt k, PetscInt most, PetscInt N)
{
  const double at = (double)(k + 1) * GOLDEN;

  return N <= most ? k : PetscMin((PetscInt)((at - floor(at)) * (double)N), N - 1);
}

/* Those of this rank, by their place in it: how many, and which, if there is room for them. */
static PetscInt Chosen(const Rows *r, PetscInt N, PetscInt row[])
{
  const PetscInt most = PetscMin(N, PetscMax(CHANGE_ROWS, N / SHARE));
  PetscInt       n    = 0;

  for (PetscInt k = 0; k < most; k++) {
    const PetscInt i = Spread(k, most, N);
    if (i < r->rstart || i >= r->rend) continue;
    if (row) row[n] = i - r->rstart;
    n++;
  }
  return n;
}

PetscErrorCode SampledTake(Mat A, Sampled *s)
{
  Rows r;

  PetscFunctionBegin;
  PetscCall(SampledFree(s));
  PetscCall(MatGetSize(A, &s->rows, NULL));
  PetscCall(RowsOpen(A, &r));
  s->local = r.rend - r.rstart;
  s->n     = Chosen(&r, s->rows, NULL);
  PetscCall(PetscMalloc3(s->n, &s->row, s->n + 1, &s->begin, s->n, &s->diagonal));
  s->begin[0] = 0;
  (void)Chosen(&r, s->rows, s->row);
  for (PetscInt k = 0; k < s->n; k++) {
    const Row row   = RowsGet(&r, s->row[k]);
    s->diagonal[k]  = Diagonal(&row, s->row[k] + r.rstart - r.cstart);
    s->begin[k + 1] = s->begin[k] + Length(&row);
  }
  PetscCall(PetscMalloc2(s->begin[s->n], &s->col, s->begin[s->n], &s->val));
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

/* by: what the whole matrix is larger by. */
static void RowMoved(const Sampled *s, PetscInt k, const Row *row, PetscInt at, double by, Moves *m)
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
  for (PetscInt i = 0; i < n; i++) now[i] /= by;
  d     = Diagonal(row, at) / by;
  scale = sqrt(Size(d, n, now) * Size(s->diagonal[k], n, then));
  if (d != 0 || s->diagonal[k] != 0) {
    d = Moved(d, s->diagonal[k]);
    m->diagonals++;
    m->diagonal += d;
    m->diagonal2 += Square(d);
  }
  for (PetscInt i = 0; i < n; i++) {
    if (col[i] == at || scale == 0) continue;
    const double      weight = (PetscAbsScalar(now[i]) + PetscAbsScalar(then[i])) / scale;
    const PetscScalar moved  = Moved(now[i], then[i]);
    m->weight += weight;
    m->beside += weight * moved;
    m->beside2 += weight * Square(moved);
  }
}

/* About: of what is far from it only as much counts. */
static PetscErrorCode Larger(Mat A, const Rows *r, const Sampled *s, double *by)
{
  double sum[2] = {0, 0};

  PetscFunctionBegin;
  for (PetscInt k = 0; k < s->n; k++) {
    const Row row = RowsGet(r, s->row[k]);
    for (PetscInt i = 0; i < Length(&row); i++) sum[0] += PetscAbsScalar(Entry(&row, i));
    for (PetscInt i = s->begin[k]; i < s->begin[k + 1]; i++) sum[1] += PetscAbsScalar(s->val[i]);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sum, 2, MPI_DOUBLE, MPI_SUM, PetscObjectComm((PetscObject)A)));
  *by = sum[0] / sum[1];
  if (!isgreater(*by, 0) || !isfinite(*by)) *by = 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double Variance(double n, PetscScalar sum, double squares)
{
  return n > 0 ? fmax(squares / n - Square(sum / n), 0) : 0;
}

/* The diagonal has gained one factor, what is beside it another, and the whole matrix that which is nearest to both. The less there
   is beside the diagonal, the less its factor counts. */
static double Between(const Moves *m)
{
  if (!(m->diagonals > 0 && m->weight > 0)) return 0;
  const double share = fmin(m->weight / (2 * (m->rows - m->other)), 1);
  return share / (1 + share) * Square(m->diagonal / m->diagonals - m->beside / m->weight);
}

PetscErrorCode SampledChange(Mat A, const Sampled *s, double *change)
{
  Moves  m = {0};
  Rows   r;
  double by = 1, other, within;

  PetscFunctionBegin;
  PetscCall(RowsOpen(A, &r));
  PetscCall(Larger(A, &r, s, &by));
  for (PetscInt k = 0; k < s->n; k++) {
    const Row row = RowsGet(&r, s->row[k]);
    RowMoved(s, k, &row, s->row[k] + r.rstart - r.cstart, by, &m);
  }
  PetscCall(RowsClose(A, &r));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &m, sizeof m / sizeof m.rows, MPI_DOUBLE, MPI_SUM, PetscObjectComm((PetscObject)A)));
  other   = FURTHEST * m.other / fmax(m.rows, 1);
  within  = Variance(m.diagonals, m.diagonal, m.diagonal2) + Variance(m.weight, m.beside, m.beside2);
  *change = sqrt(within + Between(&m) + other * other);
  PetscFunctionReturn(PETSC_SUCCESS);
}
