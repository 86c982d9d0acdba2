/*
   newton_guess.c - where Newton's method starts, from a few entries of F at the program's own start: newton.bin.

   theta = B F(entries) are the coordinates of F in an orthonormal basis of those seen (empirical interpolation), and the
   solution is V z with z = m + sum_i w_i exp(-s |theta - theta_i|^2) (kernel ridge regression; metasolve/guess/kernel.py).
   An F that is not in the span of those seen is not of the family: then |theta| is not |F|.
*/
#include "metasolve.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC "metasolve-newton"
#define MOST  4096

typedef struct { /* of the file, little-endian; then the numbers below in this order */
  char    magic[16];
  int64_t rows, modes, entries, centres;
  double  sharpness, strange; /* s; how far |theta| / |F| may be from 1 */
} Head;
struct _NewtonGuess {
  BasisFile file;
  Head      head;
  int64_t  *entry;                                 /* of F */
  double   *interpolation, *mean, *centre, *weight; /* (entries, entries), (modes), (centres, entries), (centres, modes) */
};

static PetscBool Sane(BasisFile *f)
{
  const Head *h = (const Head *)f->head;

  if (memcmp(h->magic, MAGIC, sizeof h->magic)) return PETSC_FALSE;
  if (h->rows < 1 || h->modes < 1 || h->modes > MOST || h->entries < 1 || h->entries > MOST || h->centres < 1 || h->centres > MOST) return PETSC_FALSE;
  f->rows     = h->rows;
  f->modes    = h->modes;
  f->basis_at = (long long)sizeof *h + 8 * (h->entries + h->entries * h->entries + h->modes + h->centres * (h->entries + h->modes));
  return PETSC_TRUE;
}

void NewtonGuessFree(NewtonGuess g)
{
  if (g) BasisFileFree(&g->file);
  free(g);
}

/* Collective. *guess NULL: there is none in this directory, or why says why not. */
PetscErrorCode NewtonGuessLoad(MPI_Comm comm, const char *dir, NewtonGuess *guess, char *why, size_t whylen)
{
  NewtonGuess g = calloc(1, sizeof *g);
  int         have;

  PetscFunctionBegin;
  *guess = NULL;
  PetscCheck(g, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for a guess");
  g->file = (BasisFile){.head = &g->head, .headlen = sizeof g->head, .sane = Sane};
  snprintf(g->file.path, sizeof g->file.path, "%s/newton.bin", dir);
  PetscCall(BasisFileOpen(comm, &g->file, &have));
  if (have > 0) PetscCall(BasisFileNumbers(comm, &g->file));
  if (have < 0 || (have > 0 && !g->file.numbers)) snprintf(why, whylen, "newton.bin is truncated or was changed: run metasolve guess again");
  if (g->file.numbers) {
    g->entry         = (int64_t *)g->file.numbers;
    g->interpolation = (double *)(g->entry + g->head.entries);
    g->mean          = g->interpolation + g->head.entries * g->head.entries;
    g->centre        = g->mean + g->head.modes;
    g->weight        = g->centre + g->head.centres * g->head.entries;
    *guess           = g;
  } else NewtonGuessFree(g);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* theta, on all ranks. Collective. */
static PetscErrorCode Look(const struct _NewtonGuess *g, Vec F, double seen[], double theta[])
{
  const int64_t      q = g->head.entries;
  const PetscScalar *values;
  PetscInt           start, end;

  PetscFunctionBegin;
  PetscCall(VecGetOwnershipRange(F, &start, &end));
  PetscCall(VecGetArrayRead(F, &values));
  for (int64_t e = 0; e < q; e++) seen[e] = g->entry[e] >= start && g->entry[e] < end ? values[g->entry[e] - start] : 0;
  PetscCall(VecRestoreArrayRead(F, &values));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, seen, (int)q, MPI_DOUBLE, MPI_SUM, PetscObjectComm((PetscObject)F)));
  for (int64_t i = 0; i < q; i++) {
    theta[i] = 0;
    for (int64_t e = 0; e < q; e++) theta[i] += g->interpolation[i * q + e] * seen[e];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Predict(const struct _NewtonGuess *g, const double theta[], double z[])
{
  const Head *h = &g->head;

  memcpy(z, g->mean, (size_t)h->modes * sizeof *z);
  for (int64_t i = 0; i < h->centres; i++) {
    const double *c = g->centre + i * h->entries, *w = g->weight + i * h->modes;
    double        d2 = 0;
    for (int64_t k = 0; k < h->entries; k++) d2 += (theta[k] - c[k]) * (theta[k] - c[k]);
    const double bell = exp(-h->sharpness * d2);
    for (int64_t m = 0; m < h->modes; m++) z[m] += bell * w[m];
  }
}

/* *made: x holds where to start, for the F of the program's own start. Collective. */
PetscErrorCode NewtonGuessMake(NewtonGuess g, Vec F, PetscReal norm, Vec x, PetscBool *made)
{
  const Head *h = &g->head;
  double     *seen, *theta, *z, length = 0;
  PetscInt    N;

  PetscFunctionBegin;
  PetscCall(VecGetSize(F, &N));
  *made = (PetscBool)(N == h->rows);
  if (!*made) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc3(h->entries, &seen, h->entries, &theta, h->modes, &z));
  PetscCall(Look(g, F, seen, theta));
  for (int64_t i = 0; i < h->entries; i++) length += theta[i] * theta[i];
  *made = (PetscBool)(fabs(sqrt(length) / norm - 1) <= h->strange);
  if (*made) {
    Predict(g, theta, z);
    PetscCall(BasisFileDecode(&g->file, g->file.modes, z, x, made));
  }
  PetscCall(PetscFree3(seen, theta, z));
  PetscFunctionReturn(PETSC_SUCCESS);
}
