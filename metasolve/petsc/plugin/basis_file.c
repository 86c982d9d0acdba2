/*
   basis_file.c - a file with a few numbers that all ranks need, then a basis of which each rank reads its own rows.

   guess.bin and newton.bin are such files. Whatever one holds, each start made of it is checked by a residual.
*/
#include "metasolve.h"
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BLOCK 4096
#define FIRST 24 /* bytes: 16 characters and the checksum itself */
#define PART  (1 << 15)
#define LOST  2 /* more than to be read again */

/* ---- the checksum: of each word and its place a mixture, and their sum; metasolve/guess/checksum.py writes it ---- */
static uint64_t Mixed(const uint64_t word[], size_t n, uint64_t place)
{
  uint64_t sum = 0;

  for (size_t i = 0; i < n; i++) {
    uint64_t x = (word[i] ^ (place + i + 1) * 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;
    sum += (x ^ x >> 32) * 0x94d049bb133111ebu;
  }
  return sum;
}

/* Reads all of the file, at about the speed of memory. */
static PetscBool Intact(const BasisFile *f)
{
  FILE     *file = fopen(f->path, "rb");
  uint64_t *part = malloc(8 * PART), place = 0, sum = 0;
  PetscBool ok = (PetscBool)(file && part && !fseek(file, FIRST, SEEK_SET));

  for (size_t n; ok && (n = fread(part, 8, PART, file)) > 0; place += n) sum += Mixed(part, n, place);
  ok = (PetscBool)(ok && file && !ferror(file) && sum == f->checksum);
  ok = (PetscBool)(ok && FIRST + 8 * (long long)place == f->basis_at + 8 * f->modes * f->rows);
  if (file) fclose(file);
  free(part);
  return ok;
}

/* 0: there is no such file; -1: there is one, but not a whole one. Rank 0 looks. */
static int ReadHead(BasisFile *f)
{
  FILE       *file;
  struct stat about;
  int         ok;

  if (stat(f->path, &about)) return 0;
  if (!S_ISREG(about.st_mode) || !(file = fopen(f->path, "rb"))) return -1;
  memset(f->head, 0, f->headlen);
  ok = fread(f->head, f->headlen, 1, file) == 1 && f->sane(f) && f->basis_at + 8 * f->modes * f->rows == about.st_size;
  if (ok) f->modified = (int64_t)about.st_mtim.tv_sec * 1000000000 + about.st_mtim.tv_nsec;
  fclose(file);
  return ok ? 1 : -1;
}

/* Collective: rank 0 reads the head, all have it afterwards. */
PetscErrorCode BasisFileOpen(MPI_Comm comm, BasisFile *f, int *have)
{
  int rank;

  PetscFunctionBegin;
  *have = 0;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank) *have = ReadHead(f);
  PetscCallMPI(MPI_Bcast(have, 1, MPI_INT, 0, comm));
  PetscCallMPI(MPI_Bcast(f->head, (int)f->headlen, MPI_BYTE, 0, comm));
  PetscCallMPI(MPI_Bcast(&f->modified, 1, MPI_INT64_T, 0, comm));
  if (rank && *have > 0) (void)f->sane(f);
  if (PetscDefined(USE_COMPLEX) && *have > 0) *have = BASIS_OTHER;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool AllFinite(size_t n, const double x[])
{
  for (size_t i = 0; i < n; i++)
    if (!isfinite(x[i])) return PETSC_FALSE;
  return PETSC_TRUE;
}

/* What stands between the head and the basis; NULL where it cannot be read. Collective. */
PetscErrorCode BasisFileNumbers(MPI_Comm comm, BasisFile *f)
{
  size_t n    = (size_t)(f->basis_at - (long long)f->headlen) / 8;
  int    ok   = n < INT_MAX && (f->numbers = calloc(n + 1, 8)), rank;
  FILE  *file = NULL;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank && ok) {
    ok = Intact(f) && (file = fopen(f->path, "rb")) && !fseek(file, (long)f->headlen, SEEK_SET);
    ok = ok && fread(f->numbers, 8, n, file) == n;
    if (file) fclose(file);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &ok, 1, MPI_INT, MPI_MIN, comm));
  if (ok) PetscCallMPI(MPI_Bcast(f->numbers, (int)n, MPI_INT64_T, 0, comm));
  else {
    free(f->numbers);
    f->numbers = NULL;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

void BasisFileFree(BasisFile *f)
{
  free(f->numbers);
  free(f->basis);
}

/* This rank's rows of the basis, read when the first vector is asked for. Collective. */
static PetscErrorCode ReadRows(BasisFile *f, Vec like, PetscBool *ok)
{
  MPI_Comm comm = PetscObjectComm((PetscObject)like);
  PetscInt start, n;
  int      again, good, rank;
  FILE    *file = NULL;

  PetscFunctionBegin;
  PetscCall(VecGetOwnershipRange(like, &start, NULL));
  PetscCall(VecGetLocalSize(like, &n));
  again = f->lost ? LOST : !f->basis || f->start != start || f->n != n;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &again, 1, MPI_INT, MPI_MAX, comm)); /* a rank may have met it with others */
  f->lost = (PetscBool)(again == LOST);
  *ok     = (PetscBool)!f->lost;
  if (!again || f->lost) PetscFunctionReturn(PETSC_SUCCESS);
  free(f->basis);
  f->start = start;
  f->n     = n;
  f->basis = malloc(sizeof(double) * (size_t)(f->modes * n + 1));
  good     = f->basis && (file = fopen(f->path, "rb"));
  for (int64_t m = 0; good && m < f->modes; m++) {
    long at = (long)(f->basis_at + 8 * (m * f->rows + start));
    good    = !fseek(file, at, SEEK_SET) && fread(f->basis + m * n, 8, (size_t)n, file) == (size_t)n;
    good    = good && AllFinite((size_t)n, f->basis + m * n);
  }
  if (file) fclose(file);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &good, 1, MPI_INT, MPI_MIN, comm));
  if (good) PetscFunctionReturn(PETSC_SUCCESS);
  free(f->basis);
  f->basis = NULL;
  f->lost  = PETSC_TRUE;
  *ok      = PETSC_FALSE;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank) fprintf(stderr, "metasolve: %s cannot be read on all ranks: nothing starts from it\n", f->path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y is the sum of the k columns of a, of n numbers each, times z: four at a time, in blocks that stay in the cache. Little is
   computed with what is read once, so this is as fast as memory is; the reference BLAS is not. */
void Combine(size_t n, size_t k, const double *a, const double z[], double *restrict y)
{
  memset(y, 0, n * sizeof *y);
  for (size_t from = 0; from < n; from += BLOCK) {
    const size_t  m      = n - from < BLOCK ? n - from : BLOCK;
    const double *v      = a + from;
    double *restrict out = y + from;
    size_t j             = 0;
    for (; j + 4 <= k; j += 4, v += 4 * n)
      for (size_t i = 0; i < m; i++)
        out[i] += z[j] * v[i] + z[j + 1] * v[n + i] + z[j + 2] * v[2 * n + i] + z[j + 3] * v[3 * n + i];
    for (; j < k; j++, v += n)
      for (size_t i = 0; i < m; i++) out[i] += z[j] * v[i];
  }
}

/* *made: x is the sum of the first modes with coordinates z, which are the same on all ranks. Collective. */
PetscErrorCode BasisFileDecode(BasisFile *f, int64_t modes, const double z[], Vec x, PetscBool *made)
{
  PetscScalar *a;

  PetscFunctionBegin;
  PetscCall(ReadRows(f, x, made));
  if (!*made) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecGetArrayWrite(x, &a));
  Combine((size_t)f->n, (size_t)modes, f->basis, z, (double *)a);
  PetscCall(VecRestoreArrayWrite(x, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* *made: z are the products of the modes from `first` on with b, on all ranks. Collective. */
PetscErrorCode BasisFileProject(BasisFile *f, int64_t first, Vec b, double z[], PetscBool *made)
{
  const int          k = (int)(f->modes - first);
  const PetscScalar *a;

  PetscFunctionBegin;
  PetscCall(ReadRows(f, b, made));
  if (!*made) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecGetArrayRead(b, &a));
  for (int m = 0; m < k; m++) z[m] = Dot((size_t)f->n, f->basis + (first + m) * f->n, (const double *)a);
  PetscCall(VecRestoreArrayRead(b, &a));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, z, k, MPI_DOUBLE, MPI_SUM, PetscObjectComm((PetscObject)b)));
  PetscFunctionReturn(PETSC_SUCCESS);
}
