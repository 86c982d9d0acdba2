/*
   features.c - what the meta-model sees of a linear system: numbers that need no input from the user.

   Cost: one product with A^T, a few passes over vectors, and a close look at about five hundred rows, in blocks chosen by
   their global index (rows.c). Every number is a sum, a maximum or a ratio of such, so it does not depend on the number
   of ranks but for rounding. This is the only implementation: recording, training and production all call it.

   Of complex numbers |.| is the modulus and A^T the adjoint, and what depends on a sign depends on that of the real part. An
   operator that is symmetric by its features is Hermitian then, as conjugate gradients want it.
*/
#include "metasolve.h"
#include <math.h>

const char *const MetasolveFeatureNames[METASOLVE_FEATURES] = {
  "log_rows",           /* log10 of the number of rows */
  "nonzeros_per_row",   /* mean */
  "row_length_spread",  /* longest row over mean row */
  "block_size",         /* as the program declared it */
  "log_asymmetry",      /* log10 |(A - A^T) s|_2 / |A s|_2, s a vector of pseudo-random signs; at least -12 */
  "asymmetry",          /* the same, not in log */
  "dominance_mean",     /* mean over rows of |a_ii| / sum_j!=i |a_ij|, each at most 10 */
  "dominance_min",      /* smallest of those */
  "dominant_rows",      /* share of rows with |a_ii| >= sum_j!=i |a_ij| */
  "diagonal_range",     /* log10 max |a_ii| / min |a_ii|, at most 16 */
  "diagonal_deviation", /* standard deviation of log10 |a_ii|, a_ii != 0 */
  "negative_diagonal",  /* share of rows with a_ii <= 0 */
  "positive_weight",    /* positive off-diagonal weight over all off-diagonal weight (0 for an M-matrix) */
  "strength_0",         /* share of off-diagonal entries with |a_ij| / max_k |a_ik| in [0, 0.01) ... */
  "strength_1",         /* [0.01, 0.1) */
  "strength_2",         /* [0.1, 0.25) */
  "strength_3",         /* [0.25, 0.5); the rest is in [0.5, 1] */
  "row_strength_ratio", /* mean over rows of smallest over largest |a_ij|, j != i (anisotropy) */
  "near_share",         /* off-diagonal weight with |i - j| at most the mean row length */
  "lower_near",         /* of that weight, the share with j < i (which way a sweep runs) */
  "lower_far",          /* the same for the other entries */
  "fill", /* log10 of mean (lower near * upper far + lower far * upper near weight) / a_ii^2: what ILU(0) drops; at least -12 */
  "imbalance",      /* mean over rows of | lower - upper | weight over their sum */
  "row_sum",        /* log10 of mean |sum_j a_ij| / |a_ii|: A on the smoothest vector; at least -12 */
  "row_sum_share",  /* share of rows whose sum is not zero to 1e-8 */
  "gershgorin",     /* log10 max_i sum_j |a_ij| / |a_ii|, at most 16 */
  "spectral_probe", /* log10 rms of (D^-1 A s)_i: D^-1 A on a rough vector of size one */
  "rhs_peak",       /* log10 |b|_inf sqrt(N) / |b|_2 */
  "rhs_spread",     /* |b|_1 / (sqrt(N) |b|_2) */
  "rhs_nonzero",    /* share of entries above 1e-12 of the root mean square */
  "rhs_roughness",  /* sum (b_i - b_i+1)^2 / (2 sum b_i^2) */
  "log_tolerance",  /* log10 of max(rtol, abstol / |b|_2), in [-16, 0] */
  "initial_guess",  /* 1 when the program gives one */
  "log_ranks",      /* log2 */
  "change"          /* rms change of ln |a_ii| since the previous operator, at most 10; 0 for the first */
};

/* |b|_1, number of entries above `small`, sum of squared differences of neighbours (across ranks, too), |b|_inf */
static PetscErrorCode RightHandSide(Vec b, double small, double out[3], double *peak)
{
  MPI_Comm           comm = PetscObjectComm((PetscObject)b);
  PetscMPIInt        rank, size;
  PetscInt           n;
  const PetscScalar *a;
  double             sums[3] = {0, 0, 0}, mine[3] = {0, 0, 0}, largest = 0, *first;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(VecGetLocalSize(b, &n));
  PetscCall(VecGetArrayRead(b, &a));
  for (PetscInt i = 0; i < n; i++) {
    double e = i + 1 < n ? PetscAbsScalar(a[i + 1] - a[i]) : 0, entry = PetscAbsScalar(a[i]);
    largest = entry > largest ? entry : largest;
    sums[0] += entry;
    sums[1] += entry > small;
    sums[2] += e * e;
  }
  if (size > 1) {
    mine[0] = n > 0;
    mine[1] = n ? PetscRealPart(a[0]) : 0;
    mine[2] = n ? PetscImaginaryPart(a[0]) : 0;
    PetscCall(PetscMalloc1(3 * (size_t)size, &first));
    PetscCallMPI(MPI_Allgather(mine, 3, MPI_DOUBLE, first, 3, MPI_DOUBLE, comm));
    int next = rank + 1;
    while (next < size && first[3 * next] == 0) next++;
    if (n && next < size) {
      const double re = first[3 * next + 1] - PetscRealPart(a[n - 1]), im = first[3 * next + 2] - PetscImaginaryPart(a[n - 1]);
      sums[2] += re * re + im * im;
    }
    PetscCall(PetscFree(first));
  }
  PetscCall(VecRestoreArrayRead(b, &a));
  PetscCallMPI(MPI_Allreduce(&largest, peak, 1, MPI_DOUBLE, MPI_MAX, comm));
  PetscCallMPI(MPI_Allreduce(sums, out, 3, MPI_DOUBLE, MPI_SUM, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline double Log10(double x, double low, double high)
{
  double y = x > 0 ? log10(x) : low;
  return y < low ? low : y > high ? high : y;
}

static inline double Share(double part, double whole, double otherwise)
{
  return whole > 0 ? part / whole : otherwise;
}

/* Collective. A must be AIJ and square, |b|_2 finite and not zero. */
PetscErrorCode FeaturesCompute(Mat A, Vec b, PetscReal bnorm, PetscReal rtol, PetscReal abstol, PetscBool guess, Previous *previous,
                               double out[])
{
  Sums        s = {0};
  Maxima      m = {-1e300, -1e300, -1e300, -1e300, -1e300};
  double      rhs[3], peak, *f = out;
  PetscInt    bs, N;
  PetscMPIInt size;
  MatInfo     info;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)A), &size));
  PetscCall(MatGetBlockSize(A, &bs));
  PetscCall(MatGetSize(A, &N, NULL));
  PetscCall(MatGetInfo(A, MAT_GLOBAL_SUM, &info));
  const double rows = (double)N, mean = info.nz_used / rows;
  PetscCall(PreviousOpen(A, b, previous));
  PetscCall(RowsLook(A, N, (PetscInt)ceil(mean), previous, &s, &m));
  if (previous->fresh) previous->change = PetscMin(sqrt(s.change / s.rows), 10);
  previous->plain   = (PetscBool)(s.imaginary == 0);
  previous->compare = PETSC_TRUE;
  PetscCall(RightHandSide(b, 1e-12 * bnorm / sqrt(rows), rhs, &peak));

  double logd = Share(s.logd, s.diagonals, 0), logd2 = Share(s.logd2, s.diagonals, 0), asymmetry = sqrt(Share(s.skew, s.image, 0));
  double variance = logd2 - logd * logd;
  *f++            = log10(rows);
  *f++            = mean;
  *f++            = m.length / mean;
  *f++            = (double)bs;
  *f++            = Log10(asymmetry, -12, 2);
  *f++            = PetscMin(asymmetry, 2);
  *f++            = s.dominance / s.rows;
  *f++            = -m.dominance;
  *f++            = s.dominant / s.rows;
  *f++            = -m.small > 0 ? Log10(m.diag / -m.small, 0, 16) : 16;
  *f++            = variance > 1e-13 * logd2 ? sqrt(variance) : 0; /* what is below is rounding, different on other ranks */
  *f++            = s.negative / s.rows;
  *f++            = Share(s.positive, s.weight, 0);
  for (int i = 0; i < METASOLVE_BINS - 1; i++) *f++ = Share(s.bins[i], s.entries, 0);
  *f++ = s.ratio / s.rows;
  *f++ = Share(s.near, s.weight, 1);
  *f++ = Share(s.near_lower, s.near, 0.5);
  *f++ = Share(s.far_lower, s.far, 0.5);
  *f++ = Log10(s.fill / s.rows, -12, 12);
  *f++ = s.imbalance / s.rows;
  *f++ = Log10(s.row_sum / s.rows, -12, 6);
  *f++ = s.row_sums / s.rows;
  *f++ = Log10(m.gershgorin, 0, 16);
  *f++ = Log10(sqrt(s.scaled / s.rows), -12, 16);
  *f++ = Log10(peak * sqrt(rows) / bnorm, 0, 16);
  *f++ = rhs[0] / (sqrt(rows) * bnorm);
  *f++ = rhs[1] / rows;
  *f++ = PetscMin(rhs[2] / (2 * bnorm * bnorm), 2);
  *f++ = Log10(PetscMax(rtol, abstol / bnorm), -16, 0);
  *f++ = guess ? 1 : 0;
  *f++ = log2(size);
  *f++ = previous->change;
  PetscCheck(f - out == METASOLVE_FEATURES, PETSC_COMM_SELF, PETSC_ERR_PLIB, "%d features instead of %d", (int)(f - out),
             METASOLVE_FEATURES);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int MetasolveFeatureCount(void)
{
  return METASOLVE_FEATURES;
}

const char *MetasolveFeatureName(int i)
{
  return i >= 0 && i < METASOLVE_FEATURES ? MetasolveFeatureNames[i] : NULL;
}

PetscErrorCode MetasolveFeatures(Mat A, Vec b, double rtol, double abstol, int guess, double out[])
{
  PetscReal bnorm;
  Previous  none = {0};

  PetscFunctionBegin;
  PetscCall(VecNorm(b, NORM_2, &bnorm));
  PetscCheck(bnorm > 0 && isfinite(bnorm), PetscObjectComm((PetscObject)A), PETSC_ERR_ARG_WRONG,
             "features need a finite, nonzero right-hand side, |b| is %g", (double)bnorm);
  PetscCall(FeaturesCompute(A, b, bnorm, rtol, abstol, (PetscBool)guess, &none, out));
  PetscCall(PreviousFree(&none));
  PetscFunctionReturn(PETSC_SUCCESS);
}
