/*
   guess.c - an initial guess for systems of a family that was learned from: the reduced Galerkin guess of guess.bin.

   x0 = V z, V the best basis for the solutions seen, z from a small system whose matrix and right-hand side follow from a
   few entries of A and b (metasolve/guess/reduced.py says why). Where all systems seen had one operator there is nothing to
   solve: z are the products of b with a second basis (metasolve/guess/projected.py). It is for one grid and one ordering: an
   operator with any other sparsity pattern is left alone. Whatever the file holds, x0 is used only if the residual falls.
*/
#include "metasolve.h"
#include <petscblaslapack.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC        "metasolve-guess3"
#define MAX_MODES    1024
#define MAX_SETTINGS 16384 /* bytes, of their text */

typedef struct { /* of the file, little-endian; then the numbers below in this order */
  char     magic[16];
  uint64_t checksum;                               /* of what follows */
  int64_t  rows, nonzeros, modes, entries, rights; /* no entries, no rights: the second basis follows the first */
  int64_t  symmetric;                              /* of each operator the lower triangle, row by row */
  int64_t  alone;                                  /* the program's own settings go with it */
  int64_t  words;                                  /* of 8 bytes: the text of settings of its own that go with it, a line each */
  double   expected;                               /* seconds that the program's own settings take */
  uint64_t pattern;
} Head;
struct _Guess {
  BasisFile file;
  Head      head;
  int64_t  *row, *column, *right; /* entries of A, rows of b that are looked at */
  double   *operators, *sides;    /* (entries, modes, modes), or triangles, and (rights, modes) */
  Settings  settings;
  Guess     next;
};
static Guess loaded = NULL; /* each directory once, whichever KSPs use it */

static int64_t OperatorSize(const Head *h)
{
  return h->symmetric ? h->modes * (h->modes + 1) / 2 : h->modes * h->modes;
}

static PetscBool Sane(BasisFile *f)
{
  const Head *h = (const Head *)f->head;

  if (memcmp(h->magic, MAGIC, sizeof h->magic)) return PETSC_FALSE;
  if (h->rows < 1 || h->rows > BASIS_ROWS || h->modes < 1 || h->modes > MAX_MODES || h->entries < 0 || h->entries > MAX_MODES)
    return PETSC_FALSE;
  if (h->rights < 0 || h->rights > MAX_MODES) return PETSC_FALSE;
  if (!h->entries != !h->rights) return PETSC_FALSE;
  if (h->words < 0 || h->words > MAX_SETTINGS / 8 || !isfinite(h->expected)) return PETSC_FALSE;
  f->checksum = h->checksum;
  f->rows     = h->rows;
  f->modes    = h->entries ? h->modes : 2 * h->modes;
  f->basis_at = (long long)sizeof *h +
                8 * (2 * h->entries + h->rights + h->entries * OperatorSize(h) + h->rights * h->modes + h->words);
  return PETSC_TRUE;
}

/* A line each, name and value. What is no setting of a solver is refused: it would become an option. */
static PetscBool ReadSettings(char *text, Settings *s, char *why, size_t whylen)
{
  char *rest, *name, *value;

  for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest), s->n++) {
    name = strtok_r(line, " ", &value);
    if (s->n == METASOLVE_MAX_SETTINGS || !name || strlen(name) >= sizeof s->name[0] || strlen(value) >= sizeof s->value[0] ||
        !SettingAllowed(name, value)) {
      if (!name) name = "";
      snprintf(why, whylen, "guess.bin: settings: '%.64s' is none a model may choose so: run metasolve guess again", name);
      TextPlain(why);
      return PETSC_FALSE;
    }
    snprintf(s->name[s->n], sizeof s->name[0], "%s", name);
    snprintf(s->value[s->n], sizeof s->value[0], "%s", value);
  }
  return PETSC_TRUE;
}

/* Sets what points into the numbers; false, and why, where they make no sense. */
static PetscBool Point(Guess g, char *why, size_t whylen)
{
  const Head *h = &g->head;
  char        text[MAX_SETTINGS + 1];
  size_t      n;

  g->row       = (int64_t *)g->file.numbers;
  g->column    = g->row + h->entries;
  g->right     = g->column + h->entries;
  g->operators = (double *)(void *)(g->right + h->rights);
  g->sides     = g->operators + h->entries * OperatorSize(h);
  n            = (size_t)(h->entries * OperatorSize(h) + h->rights * h->modes);
  if (!AllFinite(n, g->operators)) {
    snprintf(why, whylen, "guess.bin: operators: not all are finite numbers: run metasolve guess again");
    return PETSC_FALSE;
  }
  memcpy(text, g->operators + n, (size_t)h->words * 8);
  text[h->words * 8] = 0;
  return ReadSettings(text, &g->settings, why, whylen);
}

static void GuessFree(Guess g)
{
  BasisFileFree(&g->file);
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
  Guess g = calloc(1, sizeof *g), known = loaded;
  int   all, have;

  PetscFunctionBegin;
  *guess = NULL;
  PetscCheck(g, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for a guess");
  g->file = (BasisFile){.head = &g->head, .headlen = sizeof g->head, .sane = Sane};
  snprintf(g->file.path, sizeof g->file.path, "%s/guess.bin", dir);
  PetscCall(BasisFileOpen(comm, &g->file, &have));
  if (have == BASIS_OTHER) snprintf(why, whylen, "guess.bin is for real numbers, and those of this program are complex");
  else if (have < 0) snprintf(why, whylen, "guess.bin is truncated or was changed: run metasolve guess again");
  while (known && (strcmp(known->file.path, g->file.path) || known->file.modified != g->file.modified)) known = known->next;
  all = have > 0 && known; /* a rank may have met it with others */
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT, MPI_MIN, comm));
  if (have > 0 && !all) {
    PetscCall(BasisFileNumbers(comm, &g->file));
    if (!g->file.numbers) snprintf(why, whylen, "guess.bin was changed (checksum): run metasolve guess again");
  }
  if (all) *guess = known;
  if (!g->file.numbers || !Point(g, why, whylen)) {
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

/* ---- x0 ------------------------------------------------------------------------------------------------------------- */
static double ValueAt(const Rows *r, PetscInt i, PetscInt j)
{
  Row row = RowsGet(r, i - r->rstart);

  for (PetscInt k = 0; k < row.n; k++)
    if (row.col[k] + r->cstart == j) return PetscRealPart(row.val[k]);
  for (PetscInt k = 0; k < row.noff; k++)
    if (r->garray[row.off[k]] == j) return PetscRealPart(row.offval[k]);
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
  for (int64_t e = 0; e < h->entries; e++)
    seen[e] = g->row[e] >= r.rstart && g->row[e] < r.rend ? ValueAt(&r, (PetscInt)g->row[e], (PetscInt)g->column[e]) : 0;
  for (int64_t e = 0; e < h->rights; e++)
    seen[h->entries + e] = g->right[e] >= r.rstart && g->right[e] < r.rend ? PetscRealPart(values[g->right[e] - r.rstart]) : 0;
  PetscCall(VecRestoreArrayRead(b, &values));
  PetscCall(RowsClose(A, &r));
  PetscCallMPI(
    MPI_Allreduce(MPI_IN_PLACE, seen, (int)(h->entries + h->rights), MPI_DOUBLE, MPI_SUM, PetscObjectComm((PetscObject)A)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Lower triangle, row by row, to full: from the end, so that nothing is overwritten before it is read. */
static void Unfold(double M[], PetscBLASInt k)
{
  for (PetscBLASInt i = k - 1; i > 0; i--)
    memmove(M + (size_t)i * (size_t)k, M + (size_t)i * (size_t)(i + 1) / 2, sizeof(double) * (size_t)(i + 1));
  for (PetscBLASInt i = 0; i < k; i++)
    for (PetscBLASInt j = i + 1; j < k; j++) M[i * k + j] = M[j * k + i];
}

/* z, from the small system that the entries make. */
static PetscErrorCode Coordinates(const struct _Guess *g, const double seen[], double z[], PetscBool *ok)
{
  const Head  *h = &g->head;
  PetscBLASInt k, one = 1, info, *pivots;
  double      *M;

  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast((PetscInt)h->modes, &k));
  PetscCall(PetscMalloc2((size_t)k * (size_t)k, &M, k, &pivots));
  Combine((size_t)OperatorSize(h), (size_t)h->entries, g->operators, seen, M);
  if (h->symmetric) Unfold(M, k);
  Combine((size_t)k, (size_t)h->rights, g->sides, seen + h->entries, z);
  LAPACKgetrf_(&k, &k, (PetscScalar *)M, &k, pivots, &info); /* column-major: of the transpose ... */
  *ok = (PetscBool)(info == 0);
  if (*ok) LAPACKgetrs_("T", &k, &one, (PetscScalar *)M, &k, pivots, (PetscScalar *)z, &k, &info); /* ... of what is solved with */
  PetscCall(PetscFree2(M, pivots));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* *made: x holds V z. A must fit. Collective. */
PetscErrorCode GuessMake(Guess g, Mat A, Vec b, Vec x, PetscBool *made)
{
  double *seen, *z;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2((size_t)(g->head.entries + g->head.rights + 1), &seen, g->head.modes, &z));
  if (g->head.entries) {
    PetscCall(Look(g, A, b, seen));
    PetscCall(Coordinates(g, seen, z, made));
  } else PetscCall(BasisFileProject(&g->file, g->head.modes, b, z, made));
  if (*made) *made = AllFinite((size_t)g->head.modes, z);
  if (*made) PetscCall(BasisFileDecode(&g->file, g->head.modes, z, x, made));
  PetscCall(PetscFree2(seen, z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool GuessAlone(Guess g)
{
  return (PetscBool)(g->head.alone != 0);
}

PetscBool GuessSettings(Guess g, Decision *d)
{
  if (!g->settings.n) return PETSC_FALSE;
  *d = (Decision){.settings = g->settings, .expected = g->head.expected, .foreseen = g->head.expected};
  return PETSC_TRUE;
}
