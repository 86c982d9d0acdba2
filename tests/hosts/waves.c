static char help[] = "Operators of complex numbers, in two or three dimensions, another one for each solve.\n\
  -kind <helmholtz|magnetic>   waves that leave through an absorbing boundary: A = A^T, indefinite\n\
                               a particle in a magnetic field: A is Hermitian and positive definite\n\
  -n <n>, -dim <2|3>, -solves <count>\n\
  -waves <wavelengths along a side, or quanta of flux>, -sweep <what each solve adds to them>,\n\
  -damping <share>, -decay <what each solve adds to it>\n\n";

#include "host.h"

#if !defined(PETSC_USE_COMPLEX)
  #error "for a PETSc of complex numbers"
#endif

typedef struct {
  PetscInt  n, dim;
  PetscReal waves, damping;
  PetscBool magnetic;
} Problem;

/* Differences of second order; a wave leaves through the boundary as if it came at a right angle (Sommerfeld). */
static PetscScalar Beyond(const Problem *p)
{
  const PetscReal kh = 2 * PETSC_PI * p->waves / p->n;

  return p->magnetic ? 0 : 1 + kh * PETSC_i;
}

static PetscScalar Mass(const Problem *p)
{
  const PetscReal kh = 2 * PETSC_PI * p->waves / p->n;

  return p->magnetic ? 0 : kh * kh * (1 + p->damping * PETSC_i);
}

/* In the field a step along x turns the phase by an angle that grows with y. */
static PetscScalar Neighbour(const Problem *p, PetscInt axis, PetscInt step, const PetscInt at[])
{
  const PetscReal angle = p->magnetic && axis == 0 ? 2 * PETSC_PI * p->waves * at[1] / (p->n * (PetscReal)p->n) : 0;

  return -PetscExpScalar(step * angle * PETSC_i);
}

static PetscErrorCode Fill(Mat A, const Problem *p)
{
  PetscInt first, last, row, axis, step, at[3];

  PetscFunctionBeginUser;
  PetscCall(MatGetOwnershipRange(A, &first, &last));
  for (row = first; row < last; row++) {
    PetscScalar diagonal = 2 * p->dim - Mass(p);
    PetscInt    stride   = 1;

    at[0] = row % p->n;
    at[1] = row / p->n % p->n;
    at[2] = row / p->n / p->n;
    for (axis = 0; axis < p->dim; axis++, stride *= p->n)
      for (step = -1; step <= 1; step += 2) {
        if (at[axis] + step < 0 || at[axis] + step >= p->n) diagonal -= Beyond(p);
        else PetscCall(MatSetValue(A, row, row + step * stride, Neighbour(p, axis, step, at), INSERT_VALUES));
      }
    PetscCall(MatSetValue(A, row, row, diagonal, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(0);
}

/* A beam of sources with phases of their own. */
static PetscErrorCode Source(Vec b, PetscInt n, PetscInt solve)
{
  PetscInt first, last, i;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(b, &first, &last));
  for (i = first; i < last; i++) {
    const PetscReal x = (i % n + 0.5) / n - 0.4, y = (i / n % n + 0.5) / n - 0.5;

    PetscCall(VecSetValue(b, i, PetscExpScalar(-200 * (x * x + y * y) + (solve + 1) * y * PETSC_i), INSERT_VALUES));
  }
  PetscCall(VecAssemblyBegin(b));
  PetscCall(VecAssemblyEnd(b));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  Problem   p = {.n = 40, .dim = 2, .waves = 4};
  PetscReal sweep = 0.01, decay = 0;
  PetscInt  solves = 2, rows, k;
  char      kind[16] = "helmholtz";
  KSP       ksp;
  Mat       A;
  Vec       b, x;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-n", &p.n, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-dim", &p.dim, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-solves", &solves, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-waves", &p.waves, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-sweep", &sweep, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-damping", &p.damping, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-decay", &decay, NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-kind", kind, sizeof(kind), NULL));
  PetscCall(PetscStrcmp(kind, "magnetic", &p.magnetic));
  rows = p.dim == 3 ? p.n * p.n * p.n : p.n * p.n;

  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, rows, rows, 7, NULL, 4, NULL, &A));
  PetscCall(MatCreateVecs(A, &x, &b));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &ksp));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(KSPSetFromOptions(ksp));
  for (k = 0; k < solves; k++, p.waves += sweep, p.damping += decay) {
    PetscCall(Fill(A, &p));
    PetscCall(Source(b, p.n, k));
    PetscCall(KSPSolve(ksp, b, x));
    PetscCall(Report(ksp, b, x));
  }
  PetscCall(KSPDestroy(&ksp));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&b));
  PetscCall(MatDestroy(&A));
  PetscCall(PetscFinalize());
  return 0;
}
