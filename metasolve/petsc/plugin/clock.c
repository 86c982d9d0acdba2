/* clock.c - seconds of a clock, or of counted work. */
#define _GNU_SOURCE /* RUSAGE_THREAD */
#include "clock.h"
#include <math.h>
#include <petsc/private/matimpl.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define OPERATION 1e-9 /* seconds of a floating-point operation on a sparse matrix, which waits for memory */
#define TICK      1e-9 /* and of a look at the clock */
#define MESSAGES  0.02 /* and of a factorisation on several ranks */

static PetscBool counts = PETSC_FALSE;
static double    beside = 0; /* seconds of work that PETSc does not count */

typedef struct { /* in passes over the matrix */
  double step, setup;
} Price;

void ClockCount(PetscBool work)
{
  counts = work;
}

PetscBool ClockCounts(void)
{
  return counts;
}

static double Work(void)
{
  PetscLogDouble operations = 0;

  (void)PetscGetFlops(&operations);
  beside += TICK;
  return OPERATION * operations + beside;
}

double ClockNow(void)
{
  PetscLogDouble now = 0;

  if (counts) return Work();
  (void)PetscTime(&now);
  return now;
}

double ClockProcessor(void)
{
  struct timespec t;

  if (counts) return Work();
  return clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) ? 0 : (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

Turns ClockTurns(void)
{
  Turns t = {.processor = ClockProcessor()};
#if defined(RUSAGE_THREAD)
  struct rusage used;

  if (!counts && !getrusage(RUSAGE_THREAD, &used)) {
    t.lost  = used.ru_nivcsw;
    t.waits = used.ru_nvcsw;
  }
#endif
  return t;
}

/* Where it has waited as well, nobody says how long: for a disk, a device, threads of its own. */
double ClockShare(Turns since, double seconds)
{
  const Turns now = ClockTurns();

  if (now.lost == since.lost || now.waits != since.waits || !(seconds > 0)) return 1;
  return fmin((now.processor - since.processor) / seconds, 1);
}

/* ---- what PETSc does not count ---- */
/* PETSc counts its own LU factorisation. What libraries tell it of theirs is next to nothing of what they take. */
static Price OfFactor(PC pc, double entries)
{
  MatSolverType package = NULL;
  PetscInt      rows    = 0;
  PetscMPIInt   ranks   = 1;
  PetscBool     lu      = (PetscBool)!strcmp(((PetscObject)pc)->type_name, PCLU), own;
  double        factor;

  (void)PCFactorGetMatSolverType(pc, &package);
  own = (PetscBool)(!package || !strcmp(package, MATSOLVERPETSC));
  if (own && lu) return (Price){0, 0};
  (void)MatGetSize(pc->pmat, &rows, NULL);
  MPI_Comm_size(PetscObjectComm((PetscObject)pc), &ranks);
  factor = CLOCK_FACTOR * pow((double)rows, 1.5) / ranks + (ranks > 1 ? MESSAGES : 0);
  return (Price){own ? 0 : 20, factor / (CLOCK_PASS * fmax(entries, 1))};
}

static Price Of(PC pc, double entries)
{
  static const struct {
    const char *type;
    Price       price;
  } known[] = {
    {PCHYPRE,      {10, 60}},
    {PCFIELDSPLIT, {10, 60}}, /* BoomerAMG is in most */
    {PCML,         {10, 60}},
    {PCICC,        {0, 4}  }
  };
  const char *type = ((PetscObject)pc)->type_name;

  for (size_t i = 0; type && i < sizeof known / sizeof *known; i++)
    if (!strcmp(type, known[i].type)) return known[i].price;
  if (type && (!strcmp(type, PCLU) || !strcmp(type, PCCHOLESKY))) return OfFactor(pc, entries);
  return PetscDefined(USE_LOG) ? (Price){0, 0} : (Price){3, 3};
}

/* Entries of this rank, and the price of a pass over them; a shell that only the program knows has none. */
static double Seconds(PC pc, double steps, double setups)
{
  MatInfo info = {0};
  Price   price;

  if (!counts || !pc || !pc->pmat || !pc->pmat->ops->getinfo) return 0;
  (void)MatGetInfo(pc->pmat, MAT_LOCAL, &info);
  price = Of(pc, info.nz_used);
  return CLOCK_PASS * info.nz_used * (steps * price.step + setups * price.setup);
}

double ClockAhead(KSP ksp, PetscInt it)
{
  return Seconds(ksp->pc, (double)it, 0);
}

void ClockSolved(KSP ksp)
{
  beside += Seconds(ksp->pc, (double)ksp->its + 1, 0);
}

void ClockSetUp(PC pc)
{
  beside += Seconds(pc, 0, 1);
}
