/*
   many_ksps.c - implicit time steps with a KSP, a matrix and vectors of their own for each, all destroyed at its end.

       many_ksps [-n N] [-steps K] [-MODE]...

   reset    KSPReset() before KSPDestroy()         comm     a communicator of its own for each step, which is freed
   two      two KSPs at a time                     same     one matrix for all steps, whose values change
   still    ... and do not change                  sizes    another size each second step
   dm       matrix and vectors of a DMDA           leave    ends without PetscFinalize()
   one      the same KSPs for all steps              others   another operator each second step
   drift R  by how much coefficients change from a step to the next, relatively

   Prints after each step what is still held of its objects by others, and at the end seconds of the processor in set-up and solve.
*/
#include "host.h"
#include <petscdmda.h>
#include <stdlib.h>
#include <time.h>

typedef struct {
  PetscInt  n, steps;
  PetscReal drift;
  PetscBool reset, comm, two, same, still, sizes, dm, leave, one, others;
} Asked;

typedef struct {
  DM  dm;
  Mat A;
  Vec b, u;
} System;

static PetscErrorCode Read(Asked *a)
{
  const struct {
    const char *name;
    PetscBool  *set;
  } modes[] = {
    {"-reset",  &a->reset },
    {"-comm",   &a->comm  },
    {"-two",    &a->two   },
    {"-same",   &a->same  },
    {"-still",  &a->still },
    {"-sizes",  &a->sizes },
    {"-dm",     &a->dm    },
    {"-leave",  &a->leave },
    {"-one",    &a->one   },
    {"-others", &a->others}
  };

  PetscFunctionBeginUser;
  *a = (Asked){.n = 32, .steps = 8, .drift = 0.01};
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-n", &a->n, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-steps", &a->steps, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-drift", &a->drift, NULL));
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) PetscCall(PetscOptionsHasName(NULL, NULL, modes[i].name, modes[i].set));
  PetscFunctionReturn(0);
}

/* 1 + (time step) (Laplacian whose coefficient along x drifts); of another operator each second row has a sink. Set by rows of the
   natural order, whatever the DM's is. */
static PetscErrorCode Fill(const Asked *a, Mat A, PetscInt n, PetscInt step)
{
  PetscInt first, last;

  PetscFunctionBeginUser;
  PetscCall(FillLaplacian(A, n, PetscPowReal(1 + a->drift, step), PETSC_FALSE));
  PetscCall(MatShift(A, 0.01));
  if (!a->others || !(step % 2)) PetscFunctionReturn(0);
  PetscCall(MatGetOwnershipRange(A, &first, &last));
  for (PetscInt row = first + first % 2; row < last; row += 2) PetscCall(MatSetValue(A, row, row, 400, ADD_VALUES));
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(0);
}

static PetscErrorCode Make(const Asked *a, MPI_Comm comm, PetscInt n, PetscInt step, System *s)
{
  PetscFunctionBeginUser;
  if (a->dm) {
    PetscCall(
      DMDACreate2d(comm, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_STAR, n, n, 1, PETSC_DECIDE, 1, 1, NULL, NULL, &s->dm));
    PetscCall(DMSetUp(s->dm));
    PetscCall(DMCreateMatrix(s->dm, &s->A));
    PetscCall(DMCreateGlobalVector(s->dm, &s->u));
    PetscCall(VecDuplicate(s->u, &s->b));
  } else {
    PetscCall(MatCreateAIJ(comm, PETSC_DECIDE, PETSC_DECIDE, n * n, n * n, 5, NULL, 2, NULL, &s->A));
    PetscCall(MatSetOption(s->A, MAT_NEW_NONZERO_ALLOCATION_ERR, PETSC_FALSE));
  }
  PetscCall(Fill(a, s->A, n, step));
  if (!a->dm) PetscCall(MatCreateVecs(s->A, &s->u, &s->b));
  PetscFunctionReturn(0);
}

/* Nobody but the program refers to an object of its own. */
static PetscErrorCode Held(const System *s)
{
  const PetscObject all[]   = {(PetscObject)s->dm, (PetscObject)s->A, (PetscObject)s->b, (PetscObject)s->u};
  const char *const names[] = {"dm", "matrix", "right-hand side", "solution"};
  PetscInt          references;

  PetscFunctionBeginUser;
  for (int i = s->dm ? 1 : 0; all[1] && i < 4; i++) {
    if (!all[i]) continue;
    PetscCall(PetscObjectGetReference(all[i], &references));
    if (references > 1) PetscCall(PetscPrintf(PETSC_COMM_WORLD, "held %s %d\n", names[i], (int)references - 1));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy(System *s)
{
  PetscInt references = 1;

  PetscFunctionBeginUser;
  PetscCall(Held(s));
  PetscCall(VecDestroy(&s->u));
  PetscCall(VecDestroy(&s->b));
  PetscCall(MatDestroy(&s->A));
  if (s->dm) PetscCall(PetscObjectGetReference((PetscObject)s->dm, &references)); /* matrix and vectors refer to it, too */
  if (references > 1) PetscCall(PetscPrintf(PETSC_COMM_WORLD, "held dm %d\n", (int)references - 1));
  PetscCall(DMDestroy(&s->dm));
  PetscFunctionReturn(0);
}

static double Processor(void)
{
  struct timespec t;

  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static PetscErrorCode Solver(MPI_Comm comm, KSP *ksp)
{
  PetscFunctionBeginUser;
  PetscCall(KSPCreate(comm, ksp));
  PetscCall(KSPSetTolerances(*ksp, 1e-8, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPSetFromOptions(*ksp));
  PetscFunctionReturn(0);
}

static PetscErrorCode Solve(const Asked *a, MPI_Comm comm, const System *s, PetscInt step, KSP kept[2], double *seconds)
{
  double before;
  KSP    ksp[2] = {kept[0], kept[1]};

  PetscFunctionBeginUser;
  PetscCall(FillRightHandSide(s->b, step));
  before = Processor();
  for (int i = 0; i < (a->two ? 2 : 1); i++) {
    if (!ksp[i]) PetscCall(Solver(comm, &ksp[i]));
    PetscCall(KSPSetOperators(ksp[i], s->A, s->A));
    PetscCall(KSPSolve(ksp[i], s->b, s->u));
  }
  before = Processor() - before;
  PetscCall(Report(ksp[0], s->b, s->u));
  before -= Processor();
  for (int i = 0; i < 2 && a->one; i++) kept[i] = ksp[i];
  for (int i = 0; i < 2 && !a->one; i++) {
    if (a->reset && ksp[i]) PetscCall(KSPReset(ksp[i]));
    PetscCall(KSPDestroy(&ksp[i]));
  }
  *seconds += Processor() + before;
  PetscFunctionReturn(0);
}

static PetscErrorCode March(const Asked *a)
{
  MPI_Comm comm    = PETSC_COMM_WORLD;
  System   s       = {0};
  KSP      kept[2] = {NULL, NULL};
  double   seconds = 0;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < a->steps; k++) {
    const PetscInt n = a->n + (a->sizes ? k % 2 : 0);
    if (a->comm) PetscCallMPI(MPI_Comm_dup(PETSC_COMM_WORLD, &comm));
    if (!a->same || !k) PetscCall(Make(a, comm, n, k, &s));
    else if (!a->still) PetscCall(Fill(a, s.A, n, k));
    PetscCall(Solve(a, comm, &s, k, kept, &seconds));
    if (!a->one && (!a->same || k == a->steps - 1)) PetscCall(Destroy(&s));
    if (a->comm) PetscCallMPI(MPI_Comm_free(&comm));
  }
  for (int i = 0; i < 2; i++) PetscCall(KSPDestroy(&kept[i]));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "processor %.6f\n", seconds));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  Asked a;

  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  PetscCall(Read(&a));
  PetscCall(March(&a));
  if (!a.leave) PetscCall(PetscFinalize());
  else (void)fflush(stdout);
  if (a.leave) MPI_Finalize();
  return 0;
}
