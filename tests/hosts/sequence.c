/* Convection-diffusion systems of many sizes, one after another: -solves (200), -seed (1), -smallest (74) and -largest (277) points a
   side; a new KSP for each, or -one_ksp for all. -each: a line for each, too. Prints the seconds inside KSPSolve, those of the
   processor in it, and how many answers missed the tolerance. */
#include <petscksp.h>
#include <time.h>

typedef struct {
  PetscInt  n;
  PetscReal peclet, angle;
} Case;

/* Log-uniform in size and Peclet number, the same on every machine. */
static double Next(unsigned long long *state)
{
  *state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
  return (double)(*state >> 11) / 9007199254740992.0;
}

static PetscErrorCode Create(const Case *c, Mat *A, Vec *b, Vec *x)
{
  const PetscInt  n = c->n;
  const PetscReal h = 1. / (n + 1), u = c->peclet * PetscCosReal(c->angle) * h, v = c->peclet * PetscSinReal(c->angle) * h;
  PetscInt        first, last;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, n * n, n * n, 5, NULL, 3, NULL, A));
  PetscCall(MatGetOwnershipRange(*A, &first, &last));
  for (PetscInt row = first; row < last; row++) {
    const PetscInt    i = row % n, j = row / n;
    const PetscScalar west = -1 - PetscMax(u, 0), east = -1 + PetscMin(u, 0), south = -1 - PetscMax(v, 0), north = -1 + PetscMin(v, 0);

    if (i > 0) PetscCall(MatSetValue(*A, row, row - 1, west, INSERT_VALUES));
    if (i < n - 1) PetscCall(MatSetValue(*A, row, row + 1, east, INSERT_VALUES));
    if (j > 0) PetscCall(MatSetValue(*A, row, row - n, south, INSERT_VALUES));
    if (j < n - 1) PetscCall(MatSetValue(*A, row, row + n, north, INSERT_VALUES));
    PetscCall(MatSetValue(*A, row, row, 4 + PetscAbsReal(u) + PetscAbsReal(v), INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatCreateVecs(*A, x, b));
  PetscCall(VecSet(*b, h * h));
  PetscFunctionReturn(0);
}

/* Preconditioned and true residual norm may be apart: ten times the tolerance is still an answer of the program's own. */
static PetscErrorCode Missed(Mat A, Vec b, Vec x, PetscReal rtol, PetscInt *missed)
{
  PetscReal rnorm, bnorm;
  Vec       r;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(b, &r));
  PetscCall(MatMult(A, x, r));
  PetscCall(VecAYPX(r, -1, b));
  PetscCall(VecNorm(r, NORM_2, &rnorm));
  PetscCall(VecNorm(b, NORM_2, &bnorm));
  if (!(rnorm <= rtol * bnorm)) (*missed)++;
  PetscCall(VecDestroy(&r));
  PetscFunctionReturn(0);
}

static PetscErrorCode Solver(KSP *ksp)
{
  PetscFunctionBeginUser;
  PetscCall(KSPCreate(PETSC_COMM_WORLD, ksp));
  PetscCall(KSPSetTolerances(*ksp, 1e-6, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPSetFromOptions(*ksp));
  PetscFunctionReturn(0);
}

static double Processor(void)
{
  struct timespec t;

  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
  PetscInt           solves = 200, seed = 1, smallest = 74, largest = 277, missed = 0;
  PetscBool          one = PETSC_FALSE, each = PETSC_FALSE;
  PetscLogDouble     begin, end, seconds = 0;
  double             computed = 0, before;
  unsigned long long state;
  KSP                ksp = NULL;

  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-solves", &solves, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-seed", &seed, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-smallest", &smallest, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-largest", &largest, NULL));
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-one_ksp", &one, NULL));
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-each", &each, NULL));
  state = (unsigned long long)seed * 7919;
  for (int i = 0; i < 8; i++) (void)Next(&state);
  for (PetscInt k = 0; k < solves; k++) {
    Mat  A;
    Vec  b, x;
    Case c = {.n = (PetscInt)(smallest * PetscPowReal((PetscReal)largest / smallest, Next(&state)))};

    c.peclet = PetscPowReal(10, 5 * Next(&state));
    c.angle  = 2 * PETSC_PI * Next(&state);
    PetscCall(Create(&c, &A, &b, &x));
    if (!ksp) PetscCall(Solver(&ksp));
    before = Processor();
    PetscCall(PetscTime(&begin));
    PetscCall(KSPReset(ksp));
    PetscCall(KSPSetOperators(ksp, A, A));
    PetscCall(KSPSolve(ksp, b, x));
    PetscCall(PetscTime(&end));
    before = Processor() - before;
    computed += before;
    if (each) PetscCall(PetscPrintf(PETSC_COMM_WORLD, "each %.6f\n", before));
    seconds += end - begin;
    PetscCall(Missed(A, b, x, 1e-6, &missed));
    if (!one) PetscCall(KSPDestroy(&ksp));
    PetscCall(MatDestroy(&A));
    PetscCall(VecDestroy(&b));
    PetscCall(VecDestroy(&x));
  }
  PetscCall(KSPDestroy(&ksp));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "solves %" PetscInt_FMT " missed %" PetscInt_FMT " seconds %.6f processor %.6f\n", solves, missed, seconds, computed));
  return PetscFinalize();
}
