/*
   guess.c - an initial guess for systems of a family that was learned from: the reduced Galerkin guess of guess.bin.

   x0 = V z, V the best basis for the solutions seen, z from a small system whose matrix and right-hand side follow from a
   few entries of A and b (metasolve/guess/reduced.py says why). It is for one grid and one ordering: an operator with any
   other sparsity pattern is left alone. Whatever the file holds, x0 is used only if the residual falls.
*/
#include "metasolve.h"
#include <limits.h>
#include <petscblaslapack.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAGIC     "metasolve-guess1"
#define MAX_MODES 1024

typedef struct { /* of the file, little-endian; then the numbers below in this order */
  char     magic[16];
  int64_t  rows, nonzeros, modes, entries, rights, alone; /* alone: the program's own settings go with it */
  uint64_t pattern;
} Head;
struct _Guess {
  char      path[PETSC_MAX_PATH_LEN + 16];
  int64_t   modified; /* ns */
  Head      head;
  int64_t  *row, *column, *right; /* entries of A, rows of b that are looked at */
  double   *operators, *sides;    /* (entries, modes, modes) and (rights, modes) */
  double   *basis;                /* (modes, rows of this rank), once a system of the family was met */
  PetscInt  start, n;
  Guess     next;
};
static Guess loaded = NULL; /* each directory once, whichever KSPs use it */

static long long BasisAt(const Head *h)
{
  return (long long)sizeof *h + 8 * (2 * h->entries + h->rights + h->entries * h->modes * h->modes + h->rights * h->modes);
}

static PetscBool Sane(const Head *h, long long bytes)
{
  if (memcmp(h->magic, MAGIC, sizeof h->magic)) return PETSC_FALSE;
  if (h->rows < 1 || h->modes < 1 || h->modes > MAX_MODES || h->entries < 1 || h->entries > MAX_MODES || h->rights < 1 || h->rights > MAX_MODES) return PETSC_FALSE;
  return (PetscBool)(BasisAt(h) + 8 * h->modes * h->rows == bytes);
}

/* 0: there is no such file; -1: there is one, but not a whole one. */
static int ReadHead(const char *path, Head *h, int64_t *modified)
{
  FILE       *f = fopen(path, "rb");
  struct stat about;
  int         ok;

  if (!f) return 0;
  ok = fread(h, sizeof *h, 1, f) == 1 && !fstat(fileno(f), &about) && Sane(h, about.st_size);
  if (ok) *modified = (int64_t)about.st_mtim.tv_sec * 1000000000 + about.st_mtim.tv_nsec;
  fclose(f);
  return ok ? 1 : -1;
}

static size_t Numbers(const Head *h) /* between the head and the basis, 8 bytes each */
{
  return (size_t)(BasisAt(h) - (long long)sizeof *h) / 8;
}

static void Point(Guess g, int64_t *numbers)
{
  const Head *h = &g->head;

  g->row       = numbers;
  g->column    = g->row + h->entries;
  g->right     = g->column + h->entries;
  g->operators = (double *)(g->right + h->rights);
  g->sides     = g->operators + h->entries * h->modes * h->modes;
}

/* Rank 0 reads what all ranks need. g->row stays NULL where that fails. Collective. */
static PetscErrorCode ReadNumbers(MPI_Comm comm, Guess g, char *why, size_t whylen)
{
  size_t   n       = Numbers(&g->head);
  int64_t *numbers = calloc(n, 8);
  int      ok      = numbers && n < INT_MAX, rank;
  FILE    *f;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank && ok) {
    ok = (f = fopen(g->path, "rb")) && !fseek(f, sizeof g->head, SEEK_SET) && fread(numbers, 8, n, f) == n;
    if (f) fclose(f);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &ok, 1, MPI_INT, MPI_MIN, comm));
  if (ok) {
    PetscCallMPI(MPI_Bcast(numbers, (int)n, MPI_INT64_T, 0, comm));
    Point(g, numbers);
  } else {
    free(numbers);
    snprintf(why, whylen, "guess.bin cannot be read");
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void GuessFree(Guess g)
{
  if (!g) return;
  free(g->row);
  free(g->basis);
  free(g);
}

static PetscErrorCode ForgetAll(void)
{
  PetscFunctionBegin;
  while (loaded) {
    Guess next = loaded->next;
    GuessFree(loaded);
    loaded = next;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Collective. *guess NULL: there is none in this directory. Kept until PetscFinalize(), for all KSPs that use it. */
PetscErrorCode GuessLoad(MPI_Comm comm, const char *dir, Guess *guess, char *why, size_t whylen)
{
  char    path[PETSC_MAX_PATH_LEN + 16];
  Head    head     = {.rows = -1};
  int64_t modified = 0;
  int     rank, all, have = 0;
  Guess   g = NULL, known = loaded;

  PetscFunctionBegin;
  *guess = NULL;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  snprintf(path, sizeof path, "%s/guess.bin", dir);
  if (!rank) have = ReadHead(path, &head, &modified);
  PetscCallMPI(MPI_Bcast(&have, 1, MPI_INT, 0, comm));
  PetscCallMPI(MPI_Bcast(&head, sizeof head, MPI_BYTE, 0, comm));
  PetscCallMPI(MPI_Bcast(&modified, 1, MPI_INT64_T, 0, comm));
  if (have < 0) snprintf(why, whylen, "guess.bin is truncated or was changed: run metasolve guess again");
  if (have <= 0) PetscFunctionReturn(PETSC_SUCCESS);
  while (known && (strcmp(known->path, path) || known->modified != modified)) known = known->next;
  all = known != NULL; /* a rank may have met it with others */
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT, MPI_MIN, comm));
  if (all) {
    *guess = known;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!(g = calloc(1, sizeof *g))) PetscFunctionReturn(PETSC_SUCCESS);
  g->head     = head;
  g->modified = modified;
  snprintf(g->path, sizeof g->path, "%s", path);
  PetscCall(ReadNumbers(comm, g, why, whylen));
  if (!g->row) {
    GuessFree(g);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!loaded) PetscCall(PetscRegisterFinalize(ForgetAll));
  g->next = loaded;
  *guess = loaded = g;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- is a system of the family? -------------------------------------------------------------------------------------- */
/* Collective. */
PetscErrorCode GuessFits(Guess g, Mat A, PetscBool *yes)
{
  PetscInt   N;
  PetscInt64 nonzeros;
  uint64_t   pattern;

  PetscFunctionBegin;
  PetscCall(MatGetSize(A, &N, NULL));
  *yes = (PetscBool)(N == g->head.rows);
  if (!*yes) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatPatternHash(A, &pattern, &nonzeros));
  *yes = (PetscBool)(pattern == g->head.pattern && nonzeros == g->head.nonzeros);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* This rank's rows of the basis, read when the first system of the family is met. Collective. */
static PetscErrorCode BasisLoad(MPI_Comm comm, Guess g, PetscInt start, PetscInt n, PetscBool *ok)
{
  int   again = !g->basis || g->start != start || g->n != n, good = 1;
  FILE *f = NULL;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &again, 1, MPI_INT, MPI_MAX, comm));
  *ok = PETSC_TRUE;
  if (!again) PetscFunctionReturn(PETSC_SUCCESS);
  free(g->basis);
  g->start = start;
  g->n     = n;
  g->basis = malloc(sizeof(double) * (size_t)(g->head.modes * n + 1));
  good     = g->basis && (f = fopen(g->path, "rb"));
  for (int64_t m = 0; good && m < g->head.modes; m++) {
    long at = (long)(BasisAt(&g->head) + 8 * (m * g->head.rows + start));
    good    = !fseek(f, at, SEEK_SET) && fread(g->basis + m * n, 8, (size_t)n, f) == (size_t)n;
  }
  if (f) fclose(f);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &good, 1, MPI_INT, MPI_MIN, comm));
  if (good) PetscFunctionReturn(PETSC_SUCCESS);
  free(g->basis);
  g->basis = NULL;
  *ok      = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- x0 ------------------------------------------------------------------------------------------------------------- */
static double ValueAt(const Rows *r, PetscInt i, PetscInt j)
{
  Row row = RowsGet(r, i - r->rstart);

  for (PetscInt k = 0; k < row.n; k++)
    if (row.col[k] + r->cstart == j) return row.val[k];
  for (PetscInt k = 0; k < row.noff; k++)
    if (r->garray[row.off[k]] == j) return row.offval[k];
  return 0;
}

/* Entries of A, then of b, on all ranks. Collective. */
static PetscErrorCode Look(const struct _Guess *g, Mat A, Vec b, double seen[])
{
  const Head        *h = &g->head;
  const PetscScalar *values;
  Rows               r;

  PetscFunctionBegin;
  PetscCall(RowsOpen(A, &r));
  PetscCall(VecGetArrayRead(b, &values));
  for (int64_t e = 0; e < h->entries; e++) seen[e] = g->row[e] >= r.rstart && g->row[e] < r.rend ? ValueAt(&r, (PetscInt)g->row[e], (PetscInt)g->column[e]) : 0;
  for (int64_t e = 0; e < h->rights; e++) seen[h->entries + e] = g->right[e] >= r.rstart && g->right[e] < r.rend ? values[g->right[e] - r.rstart] : 0;
  PetscCall(VecRestoreArrayRead(b, &values));
  PetscCall(RowsClose(A, &r));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, seen, (int)(h->entries + h->rights), MPI_DOUBLE, MPI_SUM, PetscObjectComm((PetscObject)A)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* z, from the small system that the entries make. */
static PetscErrorCode Coordinates(const struct _Guess *g, const double seen[], double z[], PetscBool *ok)
{
  PetscBLASInt k, q, p, kk, one = 1, info, *pivots;
  double       plus = 1, none = 0, *M;

  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast((PetscInt)g->head.modes, &k));
  PetscCall(PetscBLASIntCast((PetscInt)g->head.entries, &q));
  PetscCall(PetscBLASIntCast((PetscInt)g->head.rights, &p));
  kk = k * k;
  PetscCall(PetscMalloc2(kk, &M, k, &pivots));
  BLASgemv_("N", &kk, &q, &plus, g->operators, &kk, seen, &one, &none, M, &one); /* column-major: the transpose ... */
  BLASgemv_("N", &k, &p, &plus, g->sides, &k, seen + q, &one, &none, z, &one);
  LAPACKgetrf_(&k, &k, M, &k, pivots, &info);
  *ok = (PetscBool)(info == 0);
  if (*ok) LAPACKgetrs_("T", &k, &one, M, &k, pivots, z, &k, &info); /* ... of what is solved with */
  PetscCall(PetscFree2(M, pivots));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Decode(const struct _Guess *g, const double z[], Vec x)
{
  PetscBLASInt n, k, one = 1;
  double       plus = 1, none = 0;
  PetscScalar *a;

  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast(g->n, &n));
  PetscCall(PetscBLASIntCast((PetscInt)g->head.modes, &k));
  PetscCall(VecGetArrayWrite(x, &a));
  if (n) BLASgemv_("N", &n, &k, &plus, g->basis, &n, z, &one, &none, a, &one);
  PetscCall(VecRestoreArrayWrite(x, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* *made: x holds V z. A must fit. Collective. */
PetscErrorCode GuessMake(Guess g, Mat A, Vec b, Vec x, PetscBool *made)
{
  double  *seen, *z;
  PetscInt start, n;

  PetscFunctionBegin;
  PetscCall(VecGetOwnershipRange(x, &start, NULL));
  PetscCall(VecGetLocalSize(x, &n));
  PetscCall(BasisLoad(PetscObjectComm((PetscObject)A), g, start, n, made));
  if (!*made) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc2(g->head.entries + g->head.rights, &seen, g->head.modes, &z));
  PetscCall(Look(g, A, b, seen));
  PetscCall(Coordinates(g, seen, z, made));
  if (*made) PetscCall(Decode(g, z, x));
  PetscCall(PetscFree2(seen, z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool GuessAlone(Guess g)
{
  return (PetscBool)(g->head.alone != 0);
}
