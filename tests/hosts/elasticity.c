static char help[] = "Plane-stress elasticity of a clamped square, bilinear elements on a DMDA with two unknowns per\n\
point, rigid body modes attached as the near null space, CG with GAMG unless told otherwise.\n\
  -n <points per side>, -soft <stiffness of the left half>, -solves <count>\n\n";

#include <petscdmda.h>
#include "host.h"

/* Element stiffness of the unit-modulus bilinear square, two-point Gauss quadrature, nu = 0.3.
   It does not depend on the size of the square. */
static void ElementStiffness(PetscScalar K[8][8])
{
  const PetscReal nu = 0.3, g = 1.0 / PetscSqrtReal(3.0), c = 1.0 / (1.0 - nu * nu);
  const PetscReal D[3][3] = {{c, c * nu, 0}, {c * nu, c, 0}, {0, 0, 0.5 * c * (1.0 - nu)}};
  const PetscReal sx[4] = {-1, 1, 1, -1}, sy[4] = {-1, -1, 1, 1};
  int             q, a, i, j, k, l;

  for (i = 0; i < 64; i++) (&K[0][0])[i] = 0.0;
  for (q = 0; q < 4; q++) {
    PetscReal B[3][8] = {{0}};

    for (a = 0; a < 4; a++) { /* derivatives in a square of side 2: determinant and scale cancel */
      PetscReal dx = 0.25 * sx[a] * (1.0 + sy[a] * sy[q] * g), dy = 0.25 * sy[a] * (1.0 + sx[a] * sx[q] * g);

      B[0][2 * a] = B[2][2 * a + 1] = dx;
      B[1][2 * a + 1] = B[2][2 * a] = dy;
    }
    for (i = 0; i < 8; i++)
      for (j = 0; j < 8; j++)
        for (k = 0; k < 3; k++)
          for (l = 0; l < 3; l++) K[i][j] += B[k][i] * D[k][l] * B[l][j];
  }
}

/* Elements are assembled by the owner of their lower left point; clamped rows at i = 0 are replaced. */
static PetscErrorCode Assemble(DM da, PetscReal soft, Mat A)
{
  DMDALocalInfo info;
  PetscScalar   K[8][8], scaled[64];
  PetscInt      i, j, a, di[4] = {0, 1, 1, 0}, dj[4] = {0, 0, 1, 1}, clamped = 0;
  MatStencil    corner[4], *fixed;

  PetscFunctionBeginUser;
  ElementStiffness(K);
  PetscCall(DMDAGetLocalInfo(da, &info));
  for (j = info.ys; j < PetscMin(info.ys + info.ym, info.my - 1); j++) {
    for (i = info.xs; i < PetscMin(info.xs + info.xm, info.mx - 1); i++) {
      PetscReal stiffness = i < info.mx / 2 ? soft : 1.0;

      for (a = 0; a < 64; a++) scaled[a] = stiffness * (&K[0][0])[a];
      for (a = 0; a < 4; a++) {
        corner[a].k = corner[a].c = 0;
        corner[a].i = i + di[a];
        corner[a].j = j + dj[a];
      }
      PetscCall(MatSetValuesBlockedStencil(A, 4, corner, 4, corner, scaled, ADD_VALUES));
    }
  }
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscCall(PetscMalloc1(2 * info.ym, &fixed));
  for (j = info.ys; info.xs == 0 && j < info.ys + info.ym; j++)
    for (a = 0; a < 2; a++) fixed[clamped++] = (MatStencil){.j = j, .c = a};
  PetscCall(MatZeroRowsColumnsStencil(A, clamped, fixed, 1.0, NULL, NULL));
  PetscCall(PetscFree(fixed));
  PetscFunctionReturn(0);
}

static PetscErrorCode AttachRigidBodyModes(DM da, Mat A)
{
  MatNullSpace near;
  Vec          coordinates;

  PetscFunctionBeginUser;
  PetscCall(DMDASetUniformCoordinates(da, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0));
  PetscCall(DMGetCoordinates(da, &coordinates));
  PetscCall(MatNullSpaceCreateRigidBody(coordinates, &near));
  PetscCall(MatSetNearNullSpace(A, near));
  PetscCall(MatNullSpaceDestroy(&near));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  DM        da;
  KSP       ksp;
  PC        pc;
  Mat       A;
  Vec       b, x;
  PetscInt  n = 25, solves = 1, k;
  PetscReal soft = 0.1;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-n", &n, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-solves", &solves, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-soft", &soft, NULL));
  PetscCall(DMDACreate2d(PETSC_COMM_WORLD, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_BOX, n, n, PETSC_DECIDE, PETSC_DECIDE, 2, 1, NULL, NULL, &da));
  PetscCall(DMSetUp(da));
  PetscCall(DMCreateMatrix(da, &A));
  PetscCall(Assemble(da, soft, A));
  PetscCall(AttachRigidBodyModes(da, A));
  PetscCall(MatSetOption(A, MAT_SPD, PETSC_TRUE));
  PetscCall(MatCreateVecs(A, &x, &b));

  PetscCall(KSPCreate(PETSC_COMM_WORLD, &ksp));
  PetscCall(KSPSetType(ksp, KSPCG));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCGAMG));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(KSPSetFromOptions(ksp));
  for (k = 0; k < solves; k++) {
    PetscCall(FillRightHandSide(b, k));
    PetscCall(KSPSolve(ksp, b, x));
    PetscCall(Report(ksp, b, x));
  }
  PetscCall(KSPDestroy(&ksp));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&b));
  PetscCall(MatDestroy(&A));
  PetscCall(DMDestroy(&da));
  PetscCall(PetscFinalize());
  return 0;
}
