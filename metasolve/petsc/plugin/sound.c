/* sound.c - the entries of a matrix, and the smoothers of a preconditioner, looked at for what makes PETSc raise errors. */
#include "sound.h"
#include "split.h"
#include <math.h>
#include <string.h>

#define ALIKE 1e-8 /* entries that mirror each other, up to rounding: of the magnitudes in their row */

/* ---- entries ---- */
static PetscBool Finite(const PetscScalar *v, PetscInt n)
{
  PetscScalar sum = 0; /* stays 0 unless one is infinite or not a number */

  for (PetscInt i = 0; i < n; i++) sum += 0 * v[i];
  return (PetscBool)(sum == 0);
}

static PetscErrorCode EntriesFinite(Mat A, PetscBool *finite)
{
  Rows     r;
  PetscInt n;

  PetscFunctionBegin;
  PetscCall(RowsOpen(A, &r));
  n       = r.rend - r.rstart;
  *finite = Finite(r.aa, r.ai[n]);
  if (r.off) *finite = (PetscBool)(*finite && Finite(r.ba, r.bi[n]));
  PetscCall(RowsClose(A, &r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiagonalNonzero(Mat A, PetscBool *nonzero)
{
  Diagonal count;

  PetscFunctionBegin;
  PetscCall(DiagonalCount(A, &count));
  *nonzero = (PetscBool)(*nonzero && !count.zero);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const char *Setting(const Settings *s, const char *name)
{
  for (int i = 0; i < s->n; i++)
    if (!strcmp(s->name[i], name)) return s->value[i];
  return "";
}

static PetscBool Mentions(const Settings *s, const char *word)
{
  for (int i = 0; i < s->n; i++)
    if (!strcmp(s->value[i], word)) return PETSC_TRUE;
  return PETSC_FALSE;
}

static PetscBool Robust(const char *type)
{
  static const char *const robust[] = {PCNONE, PCJACOBI, PCPBJACOBI, PCHYPRE, PCKACZMARZ};

  for (size_t i = 0; i < sizeof robust / sizeof *robust; i++)
    if (!strcmp(type, robust[i])) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* On several ranks, perhaps within the set-up, for an estimate of eigenvalues: does it divide by the diagonal? Where rows with a
   zero there are split off, these alone count. */
static PetscBool NeedsDiagonal(const Settings *s)
{
  const char *type = Setting(s, "pc_type"), *package = Setting(s, "pc_factor_mat_solver_type");

  if (Robust(type)) return PETSC_FALSE;
  if (!strcmp(type, PCFIELDSPLIT)) return (PetscBool)!Robust(Setting(s, "fieldsplit_1_pc_type"));
  return (PetscBool)(!*package || !strcmp(package, MATSOLVERPETSC));
}

/* The entry in the block of this rank; 0 where there is none. */
static PetscErrorCode Entry(const Rows *r, PetscInt i, PetscInt j, PetscScalar *value)
{
  PetscInt at;

  PetscFunctionBegin;
  PetscCall(PetscFindInt(j, r->ai[i + 1] - r->ai[i], r->aj + r->ai[i], &at));
  *value = at < 0 ? 0 : r->aa[r->ai[i] + at];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Looks at the upper triangle, as incomplete Cholesky does. upper: for each row, magnitudes there and in its column above it; top:
   what the largest shift is made of; over: how much more is needed for a diagonal that is large enough for any pivot. */
static PetscErrorCode Triangle(const Rows *r, double *upper, PetscBool *symmetric, double *top, double *over)
{
  const PetscInt n = r->rend - r->rstart;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < n; i++) {
    double      row = 0, magnitude = 0;
    PetscScalar other = 0;
    for (PetscInt k = r->ai[i]; k < r->ai[i + 1]; k++) magnitude += PetscAbsScalar(r->aa[k]);
    for (PetscInt k = r->ai[i]; k < r->ai[i + 1]; k++) {
      const PetscInt j = r->aj[k];
      const double   a = j == i ? PetscRealPart(r->aa[k]) : PetscAbsScalar(r->aa[k]);
      row += j == i ? -a : a;
      if (j > i) upper[i] += a;
      if (j > i) upper[j] += a;
      if (j == i) upper[i] -= a;
      if (j == i || !*symmetric) continue;
      PetscCall(Entry(r, j, i, &other));
      *symmetric = (PetscBool)(PetscAbsScalar(r->aa[k] - other) <= ALIKE * magnitude);
    }
    *top = fmax(*top, row);
  }
  for (PetscInt i = 0; i < n; i++) *over = fmax(*over, upper[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where a pivot is not positive, incomplete Cholesky begins again with a larger shift of the diagonal, up to one that would do for
   a symmetric matrix. For another one that may not do, and it begins again for ever. */
static PetscErrorCode IncompleteReturns(Mat A, const Settings *s, PetscBool *returns)
{
  const char *ordering = Setting(s, "pc_factor_mat_ordering_type");
  double     *upper, top = 0, over = 0;
  PetscBool   symmetric = PETSC_TRUE, whole;
  Rows        r;

  PetscFunctionBegin;
  whole = (PetscBool)(!strcmp(Setting(s, "pc_type"), PCICC) && (!*ordering || !strcmp(ordering, MATORDERINGNATURAL)));
  PetscCall(RowsOpen(A, &r));
  PetscCall(PetscCalloc1((size_t)(r.rend - r.rstart), &upper));
  PetscCall(Triangle(&r, upper, &symmetric, &top, &over));
  PetscCall(PetscFree(upper));
  PetscCall(RowsClose(A, &r));
  if (!symmetric && !(whole && over <= top)) *returns = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SoundOperator(const Operator *o, const Settings *s, PetscBool *sound)
{
  PetscMPIInt ranks;
  PetscBool   splits = PETSC_FALSE;

  PetscFunctionBegin;
  *sound = PETSC_TRUE;
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)o->P), &ranks));
  if (ranks > 1) PetscCall(EntriesFinite(o->P, sound));
  if ((ranks > 1 && NeedsDiagonal(s)) || Mentions(s, PCICC) || Mentions(s, PCCHOLESKY)) PetscCall(DiagonalNonzero(o->P, sound));
  if (*sound && Mentions(s, PCICC)) PetscCall(IncompleteReturns(o->P, s, sound));
  if (Mentions(s, PCFIELDSPLIT)) {
    PetscCall(SplitMay(o->P, &splits));
    *sound = (PetscBool)(*sound && splits);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- smoothers ---- */
static PetscErrorCode SoundKSP(KSP ksp, PetscBool *sound)
{
  PC pc;

  PetscFunctionBegin;
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(SoundPC(pc, sound));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SoundLevels(PC pc, PetscBool *sound)
{
  PetscInt levels;
  KSP      ksp;

  PetscFunctionBegin;
  PetscCall(PCMGGetLevels(pc, &levels));
  for (PetscInt l = 0; l < levels; l++) {
    PetscCall(PCMGGetSmoother(pc, l, &ksp));
    PetscCall(SoundKSP(ksp, sound));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SoundSplits(PC pc, PetscBool *sound)
{
  PetscInt n;
  KSP     *splits;

  PetscFunctionBegin;
  PetscCall(PCFieldSplitGetSubKSP(pc, &n, &splits));
  for (PetscInt i = 0; i < n; i++) PetscCall(SoundKSP(splits[i], sound));
  PetscCall(PetscFree(splits));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* *sound becomes false where a sweep would divide by zero. */
PetscErrorCode SoundPC(PC pc, PetscBool *sound)
{
  PetscBool is;
  PetscInt  n = 0;
  KSP      *blocks;
  Mat       P;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)pc, &is, PCSOR, PCEISENSTAT, ""));
  if (is) {
    PetscCall(PCGetOperators(pc, NULL, &P));
    if (P) PetscCall(DiagonalNonzero(P, sound));
  }
  PetscCall(PetscObjectTypeCompareAny((PetscObject)pc, &is, PCMG, PCGAMG, PCML, ""));
  if (is) PetscCall(SoundLevels(pc, sound));
  PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCFIELDSPLIT, &is));
  if (is) PetscCall(SoundSplits(pc, sound));
  PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCBJACOBI, &is));
  if (is) PetscCall(PCBJacobiGetSubKSP(pc, &n, NULL, &blocks));
  PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCASM, &is));
  if (is) PetscCall(PCASMGetSubKSP(pc, &n, NULL, &blocks));
  for (PetscInt i = 0; i < n; i++) PetscCall(SoundKSP(blocks[i], sound));
  PetscFunctionReturn(PETSC_SUCCESS);
}
