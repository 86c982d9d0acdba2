/*
   newton_guess.c - where Newton's method starts, from what varies between the runs of a program: newton.bin.

   The solution is V z with z = m + sum_i w_i exp(-sum_k s_k (y_k - y_ik)^2) (kernel ridge regression; metasolve/guess/kernel.py).
   y are the inputs of the model, which whoever starts the program knows: METASOLVE_INPUTS. On a DMDA the columns of V are fields
   on a grid of their own, from which any other is reached by Lagrange's cubics along each axis (metasolve/guess/resampling.py),
   whichever rank has which part of it. Other vectors must have as many entries, numbered as they were.
*/
#include "metasolve.h"
#include "environment.h"
#include <petscdmda.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC "metasolve-start3"
#define MOST  4096

typedef struct { /* of the file, little-endian; then the numbers below in this order */
  char     magic[16];
  uint64_t checksum;                                     /* of what follows */
  int64_t  rows, modes, inputs, centres, points[3], dof; /* dof 0: of no grid */
} Head;
struct _NewtonGuess {
  BasisFile file;
  Head      head;
  double   *sharpness, *mean, *centre, *weight; /* (inputs), (modes), (centres, inputs), (centres, modes) */
};

/* ---- the file ---- */
static PetscBool Within(int64_t n, int64_t least)
{
  return (PetscBool)(n >= least && n <= MOST);
}

static PetscBool Sane(BasisFile *f)
{
  const Head *h = (const Head *)f->head;

  if (memcmp(h->magic, MAGIC, sizeof h->magic)) return PETSC_FALSE;
  if (h->rows < 1 || h->rows > BASIS_ROWS || !Within(h->modes, 1) || !Within(h->inputs, 1) || !Within(h->centres, 1) ||
      !Within(h->dof, 0))
    return PETSC_FALSE;
  for (int a = 0; a < 3; a++)
    if (h->dof && !Within(h->points[a], 1)) return PETSC_FALSE;
  if (h->dof && h->points[0] * h->points[1] * h->points[2] * h->dof != h->rows) return PETSC_FALSE;
  f->checksum = h->checksum;
  f->rows     = h->rows;
  f->modes    = h->modes;
  f->basis_at = (long long)sizeof *h + 8 * (h->inputs + h->modes + h->centres * (h->inputs + h->modes));
  return PETSC_TRUE;
}

/* Sets what points into the numbers; false where they make no sense. */
static PetscBool Point(NewtonGuess g)
{
  const Head *h = &g->head;
  PetscBool   ok;

  g->sharpness = g->file.numbers;
  g->mean      = g->sharpness + h->inputs;
  g->centre    = g->mean + h->modes;
  g->weight    = g->centre + h->centres * h->inputs;
  ok           = AllFinite((size_t)(h->inputs + h->modes + h->centres * (h->inputs + h->modes)), g->sharpness);
  for (int64_t k = 0; ok && k < h->inputs; k++) ok = (PetscBool)(g->sharpness[k] >= 0);
  return ok;
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
  if (g->file.numbers && Point(g)) *guess = g;
  else {
    if (have == BASIS_OTHER) snprintf(why, whylen, "newton.bin is for real numbers, and those of this program are complex");
    else if (have) snprintf(why, whylen, "newton.bin is truncated or was changed (checksum): run metasolve guess again");
    NewtonGuessFree(g);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- coordinates ---- */
/* y[0..n-1] of METASOLVE_INPUTS; false where it does not hold n numbers. */
static PetscBool Inputs(int64_t n, double y[])
{
  const char *text = EnvironmentAsked()->inputs;
  char       *end;

  for (int64_t i = 0; i < n; i++, text = end + 1) {
    if (!text || !*text) return PETSC_FALSE;
    y[i] = TextToNumber(text, &end);
    if (end == text || !isfinite(y[i]) || *end != (i + 1 < n ? ',' : 0)) return PETSC_FALSE;
  }
  return PETSC_TRUE;
}

static void Predict(const struct _NewtonGuess *g, const double y[], double z[])
{
  const Head *h = &g->head;

  memcpy(z, g->mean, (size_t)h->modes * sizeof *z);
  for (int64_t i = 0; i < h->centres; i++) {
    const double *c = g->centre + i * h->inputs, *w = g->weight + i * h->modes;
    double        apart = 0;
    for (int64_t k = 0; k < h->inputs; k++) apart += g->sharpness[k] * (y[k] - c[k]) * (y[k] - c[k]);
    const double bell = exp(-apart);
    for (int64_t m = 0; m < h->modes; m++) z[m] += bell * w[m];
  }
}

/* ---- grids ---- */
/* Of the DMDA that x is a field on; where it is not on one, grid->dof is 0. */
PetscErrorCode GridOf(DM dm, Vec x, Grid *grid)
{
  DMBoundaryType edge[3];
  PetscInt      *n = grid->points, *at = grid->from, *own = grid->own, local;
  PetscMPIInt    ours;
  PetscBool      structured = PETSC_FALSE;

  PetscFunctionBegin;
  memset(grid, 0, sizeof *grid);
  if (dm) PetscCall(PetscObjectTypeCompare((PetscObject)dm, DMDA, &structured));
  if (!structured) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DMDAGetInfo(dm, NULL, &n[0], &n[1], &n[2], NULL, NULL, NULL, &grid->dof, NULL, &edge[0], &edge[1], &edge[2], NULL));
  PetscCall(DMDAGetCorners(dm, &at[0], &at[1], &at[2], &own[0], &own[1], &own[2]));
  for (int a = 0; a < 3; a++)
    if (n[a] > 1 && edge[a] == DM_BOUNDARY_PERIODIC) grid->periodic = PETSC_TRUE;
  PetscCall(VecGetLocalSize(x, &local));
  ours = local == own[0] * own[1] * own[2] * grid->dof;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &ours, 1, MPI_INT, MPI_MIN, PetscObjectComm((PetscObject)x)));
  if (!ours) grid->dof = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is the field of this grid one that can be reached? */
static PetscBool Reachable(const Head *h, const Grid *grid)
{
  for (int a = 0; a < 3; a++) {
    if ((h->points[a] > 1) != (grid->points[a] > 1)) return PETSC_FALSE;
    if (grid->periodic && h->points[a] != grid->points[a]) return PETSC_FALSE;
  }
  return (PetscBool)(h->dof == grid->dof);
}

typedef struct { /* the points of one axis of our grid from which a point of the program's follows */
  PetscInt first, count;
  double   weight[4];
} Around;

static Around Look(const Head *h, const Grid *grid, int axis, PetscInt i)
{
  const PetscInt ours = (PetscInt)h->points[axis], theirs = grid->points[axis];
  const double   place = theirs > 1 ? (double)i * (double)(ours - 1) / (double)(theirs - 1) : 0;
  Around         a     = {.count = PetscMin(ours, 4)};

  a.first = PetscMin(PetscMax((PetscInt)place - 1, 0), ours - a.count);
  for (PetscInt k = 0; k < a.count; k++) {
    a.weight[k] = 1;
    for (PetscInt l = 0; l < a.count; l++)
      if (l != k) a.weight[k] *= (place - (double)(a.first + l)) / (double)(k - l);
  }
  return a;
}

/* x is the field of our grid, at the points of the program's that this rank has. */
static void Resample(const Head *h, const Grid *grid, const double *field, PetscScalar *x)
{
  const PetscInt *from = grid->from, *own = grid->own, dof = grid->dof;

  for (PetscInt k = 0; k < own[2]; k++) {
    const Around c = Look(h, grid, 2, from[2] + k);
    for (PetscInt j = 0; j < own[1]; j++) {
      const Around b = Look(h, grid, 1, from[1] + j);
      for (PetscInt i = 0; i < own[0]; i++, x += dof) {
        const Around a = Look(h, grid, 0, from[0] + i);
        memset(x, 0, (size_t)dof * sizeof *x);
        for (PetscInt p = 0; p < c.count; p++)
          for (PetscInt q = 0; q < b.count; q++)
            for (PetscInt r = 0; r < a.count; r++) {
              const double  w = c.weight[p] * b.weight[q] * a.weight[r];
              const double *v = field + (((c.first + p) * h->points[1] + b.first + q) * h->points[0] + a.first + r) * dof;
              for (PetscInt d = 0; d < dof; d++) x[d] += w * v[d];
            }
      }
    }
  }
}

/* *made: x is the field with coordinates z. Collective. */
static PetscErrorCode DecodeField(NewtonGuess g, const Grid *grid, const double z[], Vec x, PetscBool *made)
{
  const PetscScalar *field;
  PetscScalar       *values;
  PetscMPIInt        ok;
  Vec                ours;

  PetscFunctionBegin;
  PetscCall(VecCreateSeq(PETSC_COMM_SELF, (PetscInt)g->head.rows, &ours));
  PetscCall(BasisFileDecode(&g->file, g->file.modes, z, ours, made));
  ok = (PetscMPIInt)*made;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &ok, 1, MPI_INT, MPI_MIN, PetscObjectComm((PetscObject)x)));
  *made = (PetscBool)ok;
  if (*made) {
    PetscCall(VecGetArrayRead(ours, &field));
    PetscCall(VecGetArrayWrite(x, &values));
    Resample(&g->head, grid, (const double *)field, values);
    PetscCall(VecRestoreArrayWrite(x, &values));
    PetscCall(VecRestoreArrayRead(ours, &field));
  }
  PetscCall(VecDestroy(&ours));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* *made: x holds where to start. Collective. */
PetscErrorCode NewtonGuessMake(NewtonGuess g, const Grid *grid, Vec x, PetscBool *made)
{
  const Head *h = &g->head;
  double     *y, *z;
  PetscInt    N;

  PetscFunctionBegin;
  PetscCall(VecGetSize(x, &N));
  *made = h->dof ? Reachable(h, grid) : (PetscBool)(N == h->rows);
  if (!*made) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc2(h->inputs, &y, h->modes, &z));
  *made = Inputs(h->inputs, y);
  if (*made) {
    Predict(g, y, z);
    *made = AllFinite((size_t)h->modes, z); /* inputs may be huge */
  }
  if (*made) {
    if (h->dof) PetscCall(DecodeField(g, grid, z, x, made));
    else PetscCall(BasisFileDecode(&g->file, g->file.modes, z, x, made));
  }
  PetscCall(PetscFree2(y, z));
  PetscFunctionReturn(PETSC_SUCCESS);
}
