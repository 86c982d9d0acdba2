static char help[] = "Steady convection-diffusion in the unit square, finite differences on a DMDA.\n\
  -n <n>                        grid points per side (or -da_grid_x, -da_grid_y)\n\
  -peclet <Pe>                  strength of the wind against the diffusion\n\
  -angle <degrees>              direction of the constant part of the wind\n\
  -wind <constant,recirculating>\n\
  -contrast <c>                 ratio of the diffusion coefficients of the inclusions and the rest\n\
  -list <file>                  solve every case of a file, one `n peclet angle [wind contrast]` per line\n\n";

/*
   Solves

       -div(k grad u) + Pe w . grad u = f   in (0,1)^2,     u = g  on the boundary,

   with centred differences for the diffusion and first-order upwind differences for the
   convection. The wind w is constant, (cos angle, sin angle), or recirculating: a vortex that fills
   the square, with a light constant wind across it,

       w = (2 Y (1 - X^2), -2 X (1 - Y^2)) + (cos angle, sin angle)/4,    X = 2x - 1,  Y = 2y - 1.

   Both are free of divergence.

   The coefficient k is one, and `contrast` in four square inclusions. f is a smooth source and
   g is one on the left side and zero on the others. Boundary points are kept as unknowns.

   Everything else, the Krylov method and the preconditioner, comes from the options database:

       convection_diffusion -n 129 -peclet 100 -angle 30 -ksp_monitor -pc_type sor
*/

#include <petscdmda.h>
#include <petscksp.h>

typedef enum { WIND_CONSTANT, WIND_RECIRCULATING } Wind;

static const char *const Winds[] = {"constant", "recirculating", "Wind", "WIND_", NULL};

typedef struct {
  PetscInt  mx, my;   /* grid points in each direction */
  PetscReal peclet;   /* Peclet number based on the side of the square */
  PetscReal angle;    /* degrees */
  PetscReal contrast; /* diffusion inside the inclusions */
  Wind      wind;
} Case;

static PetscReal Diffusion(const Case *c, PetscReal x, PetscReal y)
{
  PetscReal sx = PetscAbsReal(PetscAbsReal(x - 0.5) - 0.25), sy = PetscAbsReal(PetscAbsReal(y - 0.5) - 0.25);

  return (sx < 0.1 && sy < 0.1) ? c->contrast : 1.0;
}

static void Velocity(const Case *c, PetscReal x, PetscReal y, PetscReal w[2])
{
  PetscReal t = c->angle * PETSC_PI / 180.0, X = 2.0 * x - 1.0, Y = 2.0 * y - 1.0;

  w[0] = PetscCosReal(t);
  w[1] = PetscSinReal(t);
  if (c->wind == WIND_RECIRCULATING) {
    w[0] = 0.25 * w[0] + 2.0 * Y * (1.0 - X * X);
    w[1] = 0.25 * w[1] - 2.0 * X * (1.0 - Y * Y);
  }
}

/* One row of the operator, scaled by the cell's area. The order is south, west, centre, east, north. */
static void Stencil(const Case *c, PetscReal x, PetscReal y, PetscReal hx, PetscReal hy, PetscScalar v[5])
{
  PetscReal w[2], px, py;

  Velocity(c, x, y, w);
  px   = c->peclet * w[0] * hy;
  py   = c->peclet * w[1] * hx;
  v[0] = -Diffusion(c, x, y - 0.5 * hy) * hx / hy - PetscMax(py, 0.0);
  v[1] = -Diffusion(c, x - 0.5 * hx, y) * hy / hx - PetscMax(px, 0.0);
  v[3] = -Diffusion(c, x + 0.5 * hx, y) * hy / hx + PetscMin(px, 0.0);
  v[4] = -Diffusion(c, x, y + 0.5 * hy) * hx / hy + PetscMin(py, 0.0);
  v[2] = -(v[0] + v[1] + v[3] + v[4]);
}

static PetscErrorCode Assemble(const Case *c, DM da, Mat A, Vec b)
{
  DMDALocalInfo info;
  PetscScalar **rhs;
  PetscInt      i, j;

  PetscFunctionBeginUser;
  PetscCall(DMDAGetLocalInfo(da, &info));
  PetscCall(DMDAVecGetArray(da, b, &rhs));
  for (j = info.ys; j < info.ys + info.ym; j++) {
    for (i = info.xs; i < info.xs + info.xm; i++) {
      PetscReal   hx = 1.0 / (info.mx - 1), hy = 1.0 / (info.my - 1), x = i * hx, y = j * hy;
      MatStencil  row = {.i = i, .j = j}, col[5] = {{.i = i, .j = j - 1}, {.i = i - 1, .j = j}, {.i = i, .j = j}, {.i = i + 1, .j = j}, {.i = i, .j = j + 1}};
      PetscScalar v[5];

      Stencil(c, x, y, hx, hy, v);
      if (i == 0 || j == 0 || i == info.mx - 1 || j == info.my - 1) {
        PetscCall(MatSetValuesStencil(A, 1, &row, 1, &row, &v[2], INSERT_VALUES));
        rhs[j][i] = (i == 0) ? v[2] : 0.0;
        continue;
      }
      PetscCall(MatSetValuesStencil(A, 1, &row, 5, col, v, INSERT_VALUES));
      rhs[j][i] = hx * hy * (1.0 + PetscSinReal(PETSC_PI * x) * PetscSinReal(2.0 * PETSC_PI * y));
    }
  }
  PetscCall(DMDAVecRestoreArray(da, b, &rhs));
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(0);
}

static PetscErrorCode Report(const Case *c, KSP ksp, Mat A, Vec b, Vec x)
{
  KSPConvergedReason reason;
  Vec                r;
  PetscInt           its;
  PetscReal          rnorm, bnorm, unorm;

  PetscFunctionBeginUser;
  PetscCall(KSPGetConvergedReason(ksp, &reason));
  PetscCall(KSPGetIterationNumber(ksp, &its));
  PetscCall(VecDuplicate(b, &r));
  PetscCall(MatMult(A, x, r));
  PetscCall(VecAYPX(r, -1.0, b));
  PetscCall(VecNorm(r, NORM_2, &rnorm));
  PetscCall(VecNorm(b, NORM_2, &bnorm));
  PetscCall(VecNorm(x, NORM_2, &unorm));
  PetscCall(VecDestroy(&r));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%" PetscInt_FMT " x %" PetscInt_FMT " Pe %g angle %g wind %s contrast %g: %s iterations %" PetscInt_FMT " residual %.3e norm %.6e\n", c->mx, c->my, (double)c->peclet, (double)c->angle, Winds[c->wind],
                        (double)c->contrast, KSPConvergedReasons[reason], its, (double)(rnorm / bnorm), (double)(unorm / PetscSqrtReal((PetscReal)c->mx * c->my))));
  PetscFunctionReturn(0);
}

static PetscErrorCode Solve(const Case *c)
{
  DM       da;
  KSP      ksp;
  Mat      A;
  Vec      b, x;
  PetscInt mx, my;
  Case     actual = *c;

  PetscFunctionBeginUser;
  PetscCall(DMDACreate2d(PETSC_COMM_WORLD, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_STAR, c->mx, c->my, PETSC_DECIDE, PETSC_DECIDE, 1, 1, NULL, NULL, &da));
  PetscCall(DMSetFromOptions(da));
  PetscCall(DMSetUp(da));
  PetscCall(DMDAGetInfo(da, NULL, &mx, &my, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
  actual.mx = mx;
  actual.my = my;
  PetscCall(DMCreateMatrix(da, &A));
  PetscCall(DMCreateGlobalVector(da, &b));
  PetscCall(VecDuplicate(b, &x));
  PetscCall(Assemble(&actual, da, A, b));

  PetscCall(KSPCreate(PETSC_COMM_WORLD, &ksp));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(KSPSetTolerances(ksp, 1.e-6, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPSetFromOptions(ksp));
  PetscCall(KSPSolve(ksp, b, x));
  PetscCall(Report(&actual, ksp, A, b, x));

  PetscCall(KSPDestroy(&ksp));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&b));
  PetscCall(MatDestroy(&A));
  PetscCall(DMDestroy(&da));
  PetscFunctionReturn(0);
}

/* Reads `n peclet angle [wind contrast]`; what a line leaves out stays as the options gave it. */
static PetscErrorCode ParseCase(const char line[], const Case *defaults, Case *c, PetscBool *blank)
{
  int       n, fields;
  double    peclet, angle, contrast = defaults->contrast;
  char      wind[32] = "";
  PetscBool found    = PETSC_TRUE;
  PetscEnum value    = (PetscEnum)defaults->wind;

  PetscFunctionBeginUser;
  *blank = (PetscBool)(line[strspn(line, " \t\r\n")] == '\0' || line[0] == '#');
  *c     = *defaults;
  if (*blank) PetscFunctionReturn(0);
  fields = sscanf(line, "%d %lf %lf %31s %lf", &n, &peclet, &angle, wind, &contrast);
  if (fields >= 4) PetscCall(PetscEnumFind(Winds, wind, &value, &found));
  PetscCheck(fields >= 3 && found, PETSC_COMM_WORLD, PETSC_ERR_FILE_UNEXPECTED, "Not `n peclet angle [wind contrast]`: %s", line);
  c->mx = c->my = n;
  c->peclet     = peclet;
  c->angle      = angle;
  c->wind       = (Wind)value;
  c->contrast   = contrast;
  PetscFunctionReturn(0);
}

static PetscErrorCode SolveList(const char file[], const Case *defaults)
{
  FILE     *fp;
  char      line[256];
  Case      c;
  PetscBool blank;

  PetscFunctionBeginUser;
  PetscCheck((fp = fopen(file, "r")), PETSC_COMM_WORLD, PETSC_ERR_FILE_OPEN, "Cannot open %s", file);
  while (fgets(line, sizeof(line), fp)) {
    PetscCall(ParseCase(line, defaults, &c, &blank));
    if (!blank) PetscCall(Solve(&c));
  }
  fclose(fp);
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  Case      c = {65, 65, 10.0, 0.0, 1.0, WIND_CONSTANT};
  PetscInt  n = 65;
  char      file[PETSC_MAX_PATH_LEN];
  PetscBool list;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscOptionsBegin(PETSC_COMM_WORLD, NULL, "Convection-diffusion", NULL);
  PetscCall(PetscOptionsInt("-n", "Grid points per side", NULL, n, &n, NULL));
  PetscCall(PetscOptionsReal("-peclet", "Peclet number", NULL, c.peclet, &c.peclet, NULL));
  PetscCall(PetscOptionsReal("-angle", "Direction of the wind in degrees", NULL, c.angle, &c.angle, NULL));
  PetscCall(PetscOptionsReal("-contrast", "Diffusion in the inclusions", NULL, c.contrast, &c.contrast, NULL));
  PetscCall(PetscOptionsEnum("-wind", "Wind field", NULL, Winds, (PetscEnum)c.wind, (PetscEnum *)&c.wind, NULL));
  PetscCall(PetscOptionsString("-list", "File of cases", NULL, "", file, sizeof(file), &list));
  PetscOptionsEnd();
  c.mx = c.my = n;
  if (list) PetscCall(SolveList(file, &c));
  else PetscCall(Solve(&c));
  PetscCall(PetscFinalize());
  return 0;
}
