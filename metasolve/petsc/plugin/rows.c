/*
   rows.c - a close look at some rows of an operator: sums and maxima that features.c turns into features.

   About SAMPLE rows are looked at, in blocks of consecutive ones chosen by a hash of their global index, so that neither
   the number of ranks nor the order in which they work matters.
*/
#include "metasolve.h"
#include <math.h>
#include <string.h>

#define SAMPLE 512 /* fewer rows than that: all of them */
#define BLOCK  16  /* consecutive rows taken together; divides 64 */
static const double edges[METASOLVE_BINS - 1] = {0.01, 0.1, 0.25, 0.5};

static inline uint64_t Scramble(uint64_t h)
{
  h = (h + 0x9e3779b97f4a7c15ULL) * 0xbf58476d1ce4e5b9ULL;
  h = (h ^ h >> 29) * 0x94d049bb133111ebULL;
  return h ^ h >> 32;
}

/* log2 of a positive number, piecewise linear between powers of two: a spread needs no more, and libm costs 10 times it */
static inline double QuickLog2(double x)
{
  uint64_t bits;
  double   mantissa;

  if (!(x > 1e-300)) return -997;
  memcpy(&bits, &x, sizeof bits);
  int exponent = (int)(bits >> 52) - 1023;
  bits         = (bits & 0x000fffffffffffffULL) | 0x3ff0000000000000ULL;
  memcpy(&mantissa, &bits, sizeof mantissa);
  return exponent + mantissa - 1;
}

/* s_i = +-1 by global index, pseudo-random */
static inline double Sign(PetscInt i)
{
  return Scramble((uint64_t)(i / 64)) >> i % 64 & 1 ? 1 : -1;
}

typedef struct { /* which rows are looked at closely */
  uint64_t limit;
} Sample;

static Sample SampleOf(PetscInt N)
{
  return (Sample){N <= SAMPLE ? UINT64_MAX : UINT64_MAX / (uint64_t)N * SAMPLE};
}

/* The first sampled row >= i, in its block, and where that block ends; i must be below `end`, `end` if there is none. */
static PetscInt SampleNext(Sample s, PetscInt i, PetscInt end, PetscInt *stop)
{
  while (i < end) {
    PetscInt block = i / BLOCK;
    *stop          = PetscMin((block + 1) * BLOCK, end);
    if (block == 0 || Scramble((uint64_t)block) <= s.limit) return i;
    i = *stop;
  }
  return end;
}

typedef struct {
  PetscScalar d, sum, probe; /* probe: (A s)_i */
  double      diagonals, largest, smallest, lower, upper, near, near_lower, positive, imaginary;
} RowSums;

static inline double Square(PetscScalar x)
{
  const double re = PetscRealPart(x), im = PetscImaginaryPart(x);

  return re * re + im * im;
}

static inline void RowEntry(RowSums *s, PetscInt i, PetscInt j, PetscScalar v, double sign, PetscInt reach)
{
  double a = PetscAbsScalar(v);

  s->sum += v;
  if (PetscDefined(USE_COMPLEX)) s->imaginary += fabs(PetscImaginaryPart(v));
  s->probe += sign * v;
  if (i == j) {
    s->d         = v;
    s->diagonals = 1;
    return;
  }
  s->largest  = a > s->largest ? a : s->largest;
  s->smallest = a < s->smallest ? a : s->smallest;
  s->positive += PetscRealPart(v) > 0 ? a : 0;
  if (j < i) s->lower += a;
  else s->upper += a;
  if (j >= i - reach && j <= i + reach) {
    s->near += a;
    s->near_lower += j < i ? a : 0;
  }
}

static inline int Bin(double r)
{
  return (r >= edges[0]) + (r >= edges[1]) + (r >= edges[2]) + (r >= edges[3]);
}

static void RowBins(Sums *s, const Row *row, const RowSums *r)
{
  double scale = 1 / r->largest;

  for (PetscInt k = 0; k < row->n; k++) s->bins[Bin(PetscAbsScalar(row->val[k]) * scale)]++;
  for (PetscInt k = 0; k < row->noff; k++) s->bins[Bin(PetscAbsScalar(row->offval[k]) * scale)]++;
  s->bins[Bin(PetscAbsScalar(r->d) * scale)] -= r->diagonals; /* cheaper than asking for i == j again */
  s->entries += (double)(row->n + row->noff) - r->diagonals;
}

/*
   What an incomplete factorisation drops, relative to the diagonal. On a grid, products of a near and a far entry on
   either side of the diagonal fall outside the pattern; those of two near ones, or two far ones, on the diagonal. Nothing
   is dropped from a triangular matrix, a tridiagonal one, or one that a sweep in its order solves.
*/
static inline double RowFill(const RowSums *r, double d)
{
  double near_upper = r->near - r->near_lower, far_lower = r->lower - r->near_lower, far_upper = r->upper - near_upper;

  return PetscMin((r->near_lower * far_upper + far_lower * near_upper) / PetscMax(d * d, 1e-300), 1e12);
}

static void RowAdd(Sums *s, Maxima *m, const RowSums *r, PetscInt length)
{
  double off = r->lower + r->upper, d = PetscAbsScalar(r->d), dominance = PetscMin(d / PetscMax(off, 1e-300), 10),
         logd = QuickLog2(d) * 0.30102999566398120;

  s->rows++;
  s->dominance += dominance;
  s->dominant += d >= off * (1 - 1e-10);
  if (d > 0) { /* the logarithm of zero would drown the others */
    s->diagonals++;
    s->logd += logd;
    s->logd2 += logd * logd;
  }
  s->negative += PetscRealPart(r->d) <= 0;
  s->positive += r->positive;
  s->imaginary += r->imaginary;
  s->weight += off;
  s->ratio += off > 0 ? r->smallest / r->largest : 1;
  s->near += r->near;
  s->near_lower += r->near_lower;
  s->far += off - r->near;
  s->far_lower += r->lower - r->near_lower;
  s->fill += RowFill(r, d);
  s->imbalance += off > 0 ? fabs(r->lower - r->upper) / off : 0;
  double relative = PetscAbsScalar(r->sum) / PetscMax(d, 1e-300);
  s->row_sum += PetscMin(relative, 1e6);
  s->row_sums += relative > 1e-8;
  m->length     = PetscMax(m->length, (double)length);
  m->dominance  = PetscMax(m->dominance, -dominance);
  m->diag       = PetscMax(m->diag, d);
  m->small      = PetscMax(m->small, -d);
  m->gershgorin = PetscMax(m->gershgorin, PetscMin((off + d) / PetscMax(d, 1e-300), 1e16));
}

static PetscErrorCode Signs(Vec s)
{
  PetscInt     start, end;
  PetscScalar *a;

  PetscFunctionBegin;
  PetscCall(VecGetOwnershipRange(s, &start, &end));
  PetscCall(VecGetArrayWrite(s, &a));
  for (PetscInt i = start, stop; i < end; i = stop) { /* Sign(i), 64 at a time */
    uint64_t bits = Scramble((uint64_t)(i / 64)) >> i % 64;
    stop          = PetscMin((i / 64 + 1) * 64, end);
    for (PetscInt k = i; k < stop; k++, bits >>= 1) a[k - start] = 2.0 * (double)(bits & 1) - 1;
  }
  PetscCall(VecRestoreArrayWrite(s, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Work vectors like b, kept from one operator to the next; p->new: whether A is another one than last time. */
PetscErrorCode PreviousOpen(Mat A, Vec b, Previous *p)
{
  PetscObjectId    id;
  PetscObjectState state;
  int              fits = p->work[0] != NULL;
  PetscInt         rows, n;

  PetscFunctionBegin;
  PetscCall(PetscObjectGetId((PetscObject)A, &id));
  PetscCall(PetscObjectStateGet((PetscObject)A, &state));
  PetscCall(MatGetLocalSize(A, &rows, NULL));
  if (fits) {
    PetscCall(VecGetLocalSize(p->work[0], &n));
    fits = n == rows;
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &fits, 1, MPI_INT, MPI_MIN, PetscObjectComm((PetscObject)A)));
  }
  if (!fits) {
    PetscCall(PreviousFree(p));
    PetscCall(VecDuplicate(b, &p->work[0]));
    PetscCall(Signs(p->work[0]));
    PetscCall(VecDuplicate(b, &p->work[1]));
    PetscCall(PetscMalloc1(rows, &p->logdiag));
  }
  p->fresh = (PetscBool)(id != p->id || state != p->state);
  p->id    = id;
  p->state = state;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PreviousFree(Previous *p)
{
  PetscFunctionBegin;
  for (int i = 0; i < 2; i++) PetscCall(VecDestroy(&p->work[i]));
  PetscCall(PetscFree(p->logdiag));
  memset(p, 0, sizeof *p);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Squared change of ln d of the n-th sampled row since the previous operator; the new one is kept. */
static inline double PreviousExchange(Previous *p, PetscInt n, double d)
{
  double now = QuickLog2(d) * 0.69314718055994531, e = p->compare ? now - p->logdiag[n] : 0;

  p->logdiag[n] = now;
  return e * e;
}

/* One close look at the sampled rows, and at (A^T s)_i there, which is the conjugate of what the adjoint makes of s. */
PetscErrorCode RowsLook(Mat A, PetscInt N, PetscInt reach, Previous *previous, Sums *s, Maxima *m)
{
  Rows               r;
  Sample             sample = SampleOf(N);
  const PetscScalar *signs, *z;
  PetscInt           n = 0, stop;

  PetscFunctionBegin;
  PetscCall(MatMultTranspose(A, previous->work[0], previous->work[1]));
  PetscCall(RowsOpen(A, &r));
  PetscCall(VecGetArrayRead(previous->work[0], &signs));
  PetscCall(VecGetArrayRead(previous->work[1], &z));
  for (PetscInt i = SampleNext(sample, r.rstart, r.rend, &stop); i < r.rend; i = SampleNext(sample, stop, r.rend, &stop)) {
    for (; i < stop; i++) {
      PetscInt k    = i - r.rstart;
      Row      row  = RowsGet(&r, k);
      RowSums  sums = {0};
      sums.smallest = 1e300;
      for (PetscInt e = 0; e < row.n; e++)
        RowEntry(&sums, i, row.col[e] + r.cstart, row.val[e], PetscRealPart(signs[row.col[e]]), reach);
      for (PetscInt e = 0; e < row.noff; e++)
        RowEntry(&sums, i, r.garray[row.off[e]], row.offval[e], Sign(r.garray[row.off[e]]), reach);
      if (sums.largest > 0) RowBins(s, &row, &sums);
      RowAdd(s, m, &sums, row.n + row.noff);
      s->image += Square(sums.probe);
      s->skew += Square(sums.probe - PetscConj(z[k]));
      s->scaled += sums.d != 0 ? Square(sums.probe / sums.d) : 0;
      if (previous->fresh) s->change += PreviousExchange(previous, n++, PetscAbsScalar(sums.d));
    }
  }
  PetscCall(VecRestoreArrayRead(previous->work[1], &z));
  PetscCall(VecRestoreArrayRead(previous->work[0], &signs));
  PetscCall(RowsClose(A, &r));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, s, sizeof *s / sizeof(double), MPI_DOUBLE, MPI_SUM, PetscObjectComm((PetscObject)A)));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, m, sizeof *m / sizeof(double), MPI_DOUBLE, MPI_MAX, PetscObjectComm((PetscObject)A)));
  PetscFunctionReturn(PETSC_SUCCESS);
}
