/*
  Turbulent Couette-Poiseuille flow between a wall at y = 0 and a plane at y = 1 that moves with
  speed 1, driven or held back by a pressure gradient:

      d/dy((nu + nu_t) du/dy) = dp/dx,   u(0) = 0,   u(1) = 1,   nu = 1 / Reynolds number,

  nu_t = l^2 |du/dy|, the mixing length l being Nikuradse's times van Driest's damping
  1 - exp(-y+ / 26), y+ = y u_tau / nu. Newton's method (SNES) on the wall stress and velocities.

  usage: channel DECK [PETSc options]

  The deck is read line by line; # starts a comment.

      law resolved | log | spalding | reichardt    the closure from here on
      law network W...                             a network of NETWORK weights
      flow REYNOLDS GRADIENT POINTS                solve; the first point is at y = 1 / POINTS

  With any law but `resolved` the grid is uniform, y = 1/POINTS, 2/POINTS, ..., and does not see what
  is below its first point: the law gives the wall stress from velocity and slope there. `resolved`
  has a grid of its own that reaches into the viscous sublayer.

  The network corrects the logarithmic law: tau_w = tau_log exp(c), c a network of one hidden layer
  of HIDDEN tanh units over log10(u_P y_P / nu) - 3, dp/dx y_P / u_P^2 and (y_P / u_P) du/dy, each
  scaled to be of order one; weights in the order W1 (by unit), b1, W2, b2.
*/
#include <petscsnes.h>

#define KAPPA 0.41
#define B 5.2
#define DAMPING 26.0
#define RESOLVED 320
#define HIDDEN 6
#define INPUTS 3
#define NETWORK (HIDDEN * (INPUTS + 2) + 1)

typedef enum { LAW_RESOLVED, LAW_LOG, LAW_SPALDING, LAW_REICHARDT, LAW_NETWORK, LAW_COUNT } Law;
static const char *const laws[] = {"resolved", "log", "spalding", "reichardt", "network"};

typedef struct {
  Law      law;
  double   weights[NETWORK];
  double   nu, gradient;
  PetscInt n;              /* points below y = 1 */
  double   y[RESOLVED + 2]; /* y[1..n], and y[n + 1] = 1 */
} Flow;

/* u+ of the law at y+; Spalding's law is y+ at u+, see mismatch. */
static double profile(Law law, double yplus)
{
  if (law == LAW_REICHARDT) return PetscLogReal(1.0 + KAPPA * yplus) / KAPPA + 7.8 * (1.0 - PetscExpReal(-yplus / 11.0) - yplus / 11.0 * PetscExpReal(-yplus / 3.0));
  return PetscLogReal(PetscMax(yplus, 1e-3)) / KAPPA + B;
}

/* Grows with u_tau; zero where the law holds. */
static double mismatch(Law law, double utau, double u, double y, double nu)
{
  double yplus = y * utau / nu, uplus = u / utau, k = KAPPA * uplus;
  if (law != LAW_SPALDING) return profile(law, yplus) * utau - u;
  if (k > 500.0) return -1.0;
  return yplus - uplus - PetscExpReal(-KAPPA * B) * (PetscExpReal(k) - 1.0 - k - k * k / 2.0 - k * k * k / 6.0);
}

static double law_stress(Law law, double u, double y, double nu)
{
  double low = 1e-6, high = 10.0, speed = PetscAbsReal(u);
  int    i;
  if (law == LAW_LOG || law == LAW_NETWORK) low = 0.2 * nu / y; /* below, the logarithm is negative */
  for (i = 0; i < 100 && high - low > 1e-15 * high; i++) {
    double middle = 0.5 * (low + high);
    if (mismatch(law, middle, speed, y, nu) < 0.0) low = middle;
    else high = middle;
  }
  return (u < 0.0 ? -1.0 : 1.0) * low * low;
}

static double network(const double *w, double u, double y, double slope, double gradient, double nu)
{
  double        scale = PetscMax(u * u, 1e-4), sum = w[NETWORK - 1];
  double        x[INPUTS];
  const double *b1 = w + HIDDEN * INPUTS, *w2 = b1 + HIDDEN;
  int           i, j;
  x[0] = 2.0 * (PetscLogReal(PetscMax(u * y / nu, 1.0)) / PetscLogReal(10.0) - 3.0);
  x[1] = 1e3 * gradient * y / scale;
  x[2] = 10.0 * (slope * y / PetscSqrtReal(scale) - 0.1);
  for (i = 0; i < HIDDEN; i++) {
    double s = b1[i];
    for (j = 0; j < INPUTS; j++) s += w[i * INPUTS + j] * x[j];
    sum += w2[i] * PetscTanhReal(s);
  }
  return sum;
}

static double wall_stress(const Flow *flow, double u, double slope)
{
  double y = flow->y[1], stress;
  if (flow->law == LAW_RESOLVED) return flow->nu * u / y;
  stress = law_stress(flow->law, u, y, flow->nu);
  if (flow->law == LAW_NETWORK) stress *= PetscExpReal(network(flow->weights, u, y, slope, flow->gradient, flow->nu));
  return stress;
}

/* Stress at y between two points. */
static double stress(const Flow *flow, double y, double slope, double wall)
{
  double c = 1.0 - y, c2 = c * c, yplus = y * PetscSqrtReal(PetscAbsReal(wall)) / flow->nu;
  double length = (0.14 - 0.08 * c2 - 0.06 * c2 * c2) * (KAPPA / 0.4) * (1.0 - PetscExpReal(-yplus / DAMPING));
  return (flow->nu + length * length * PetscAbsReal(slope)) * slope;
}

/* Unknowns: wall stress, u at y[1..n]. One momentum balance per point's control volume. */
static PetscErrorCode Residual(SNES snes, Vec X, Vec R, void *context)
{
  const Flow        *flow = (const Flow *)context;
  const PetscScalar *x;
  PetscScalar       *r;
  double             below;
  PetscInt           i, n = flow->n;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(X, &x));
  PetscCall(VecGetArray(R, &r));
  r[0]  = x[0] - wall_stress(flow, x[1], (x[2] - x[1]) / (flow->y[2] - flow->y[1]));
  below = x[0];
  for (i = 1; i <= n; i++) {
    double h = flow->y[i + 1] - flow->y[i], slope = ((i < n ? x[i + 1] : 1.0) - x[i]) / h;
    double middle = flow->y[i] + 0.5 * h, bottom = i > 1 ? 0.5 * (flow->y[i - 1] + flow->y[i]) : 0.0;
    double above  = stress(flow, middle, slope, x[0]);
    r[i]          = above - below - flow->gradient * (middle - bottom);
    below         = above;
  }
  PetscCall(VecRestoreArrayRead(X, &x));
  PetscCall(VecRestoreArray(R, &r));
  PetscFunctionReturn(0);
}

static void grid(Flow *flow, PetscInt points)
{
  PetscInt i;
  double   first = 0.2 / (0.05 / flow->nu); /* y+ = 0.2 where u_tau is 0.05 */
  double   ratio = 1.0;
  flow->n        = flow->law == LAW_RESOLVED ? RESOLVED : points - 1;
  if (flow->law != LAW_RESOLVED) {
    for (i = 1; i <= points; i++) flow->y[i] = (double)i / (double)points;
    return;
  }
  /* Geometric: y[i] = first (ratio^i - 1) / (ratio - 1), ratio such that the last is 1. */
  {
    double low = 1.0 + 1e-9, high = 1.5;
    for (i = 0; i < 200; i++) {
      ratio = 0.5 * (low + high);
      if (first * (PetscPowReal(ratio, RESOLVED + 1) - 1.0) / (ratio - 1.0) < 1.0) low = ratio;
      else high = ratio;
    }
  }
  for (i = 1; i <= RESOLVED; i++) flow->y[i] = first * (PetscPowReal(ratio, i) - 1.0) / (ratio - 1.0);
  flow->y[RESOLVED + 1] = 1.0;
}

/* Velocity at any height, linear between the points. */
static double velocity(const Flow *flow, const PetscScalar *x, double y)
{
  PetscInt i = 1;
  double   left, right, uleft, uright;
  while (i <= flow->n && flow->y[i] < y * (1.0 - 1e-12)) i++;
  left   = i > 1 ? flow->y[i - 1] : 0.0;
  right  = flow->y[i];
  uleft  = i > 1 ? x[i - 1] : 0.0;
  uright = i <= flow->n ? x[i] : 1.0;
  return uleft + (uright - uleft) * (y - left) / (right - left);
}

static PetscErrorCode Guess(const Flow *flow, Vec X)
{
  PetscScalar *x;
  PetscInt     i;
  double       wall = law_stress(LAW_REICHARDT, 1.0, 1.0, flow->nu), utau = PetscSqrtReal(wall);
  PetscFunctionBeginUser;
  PetscCall(VecGetArray(X, &x));
  x[0] = wall;
  for (i = 1; i <= flow->n; i++) x[i] = utau * profile(LAW_REICHARDT, flow->y[i] * utau / flow->nu);
  PetscCall(VecRestoreArray(X, &x));
  PetscFunctionReturn(0);
}

/* Every balance sees its neighbours and the wall stress. */
static PetscErrorCode Structure(PetscInt n, Mat *J)
{
  PetscInt i, j;
  PetscFunctionBeginUser;
  PetscCall(MatCreateSeqAIJ(PETSC_COMM_SELF, n + 1, n + 1, 4, NULL, J));
  for (i = 0; i <= n; i++) {
    PetscCall(MatSetValue(*J, i, 0, 1.0, INSERT_VALUES));
    for (j = PetscMax(i - 1, 1); j <= PetscMin(PetscMax(i + 1, 2), n); j++) PetscCall(MatSetValue(*J, i, j, 1.0, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(*J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*J, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(0);
}

static PetscErrorCode Solve(Flow *flow, PetscInt number, PetscInt points)
{
  SNES                snes;
  KSP                 ksp;
  PC                  pc;
  Vec                 X, R;
  Mat                 J;
  MatColoring         colouring;
  ISColoring          colours;
  MatFDColoring       differences;
  SNESConvergedReason reason;
  PetscInt            iterations;
  const PetscScalar  *x;
  double              h = 1.0 / (double)points;

  PetscFunctionBeginUser;
  grid(flow, points);
  PetscCall(VecCreateSeq(PETSC_COMM_SELF, flow->n + 1, &X));
  PetscCall(VecDuplicate(X, &R));
  PetscCall(Structure(flow->n, &J));
  PetscCall(MatColoringCreate(J, &colouring));
  PetscCall(MatColoringSetType(colouring, MATCOLORINGSL));
  PetscCall(MatColoringApply(colouring, &colours));
  PetscCall(MatColoringDestroy(&colouring));
  PetscCall(MatFDColoringCreate(J, colours, &differences));
  PetscCall(MatFDColoringSetFunction(differences, (PetscErrorCode(*)(void))Residual, flow));
  PetscCall(MatFDColoringSetUp(J, colours, differences));
  PetscCall(ISColoringDestroy(&colours));

  PetscCall(SNESCreate(PETSC_COMM_SELF, &snes));
  PetscCall(SNESSetFunction(snes, R, Residual, flow));
  PetscCall(SNESSetJacobian(snes, J, J, SNESComputeJacobianDefaultColor, differences));
  PetscCall(SNESSetTolerances(snes, 1e-13, 1e-10, 1e-12, 100, 10000));
  PetscCall(SNESGetKSP(snes, &ksp));
  PetscCall(KSPSetType(ksp, KSPPREONLY));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCLU));
  PetscCall(SNESSetFromOptions(snes));
  PetscCall(Guess(flow, X));
  PetscCall(SNESSolve(snes, NULL, X));
  PetscCall(SNESGetConvergedReason(snes, &reason));
  PetscCall(SNESGetIterationNumber(snes, &iterations));

  PetscCall(VecGetArrayRead(X, &x));
  PetscCall(PetscPrintf(PETSC_COMM_SELF, "flow %d %s iterations %d wall_stress %.12e velocity %.12e slope %.12e\n", (int)number, reason > 0 ? "CONVERGED" : "DIVERGED", (int)iterations, (double)x[0], velocity(flow, x, h), (velocity(flow, x, 2.0 * h) - velocity(flow, x, h)) / h));
  PetscCall(VecRestoreArrayRead(X, &x));
  PetscCall(MatFDColoringDestroy(&differences));
  PetscCall(SNESDestroy(&snes));
  PetscCall(MatDestroy(&J));
  PetscCall(VecDestroy(&X));
  PetscCall(VecDestroy(&R));
  PetscFunctionReturn(0);
}

/* The law of a line of the deck; returns what is wrong with it, or NULL. */
static const char *read_law(Flow *flow, char *text)
{
  char *word = strtok(text, " \t\n");
  int   i;
  for (i = 0; word && i < LAW_COUNT; i++)
    if (!strcmp(word, laws[i])) break;
  if (!word || i == LAW_COUNT) return "law is none of resolved, log, spalding, reichardt, network";
  flow->law = (Law)i;
  for (i = 0; flow->law == LAW_NETWORK && i < NETWORK; i++) {
    word = strtok(NULL, " \t\n");
    if (!word || sscanf(word, "%lf", &flow->weights[i]) != 1) return "network has too few weights";
  }
  return NULL;
}

static const char *read_flow(Flow *flow, const char *text, int *points)
{
  double reynolds;
  if (sscanf(text, "%lf %lf %d", &reynolds, &flow->gradient, points) != 3) return "flow needs REYNOLDS GRADIENT POINTS";
  if (!(reynolds > 0.0) || *points < 4 || *points > RESOLVED) return "flow is out of range";
  flow->nu = 1.0 / reynolds;
  return NULL;
}

int main(int argc, char **argv)
{
  Flow        flow;
  FILE       *deck;
  char        line[4096], *end;
  int         points, number = 0, row = 0;
  const char *wrong = NULL;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  memset(&flow, 0, sizeof(flow));
  deck = argc > 1 ? fopen(argv[1], "r") : NULL;
  if (!deck) {
    fprintf(stderr, "channel: give a readable deck\n");
    return 2;
  }
  flow.law = LAW_LOG;
  while (!wrong && fgets(line, sizeof(line), deck)) {
    row++;
    if ((end = strchr(line, '#'))) *end = '\0';
    if (!strncmp(line, "law ", 4)) wrong = read_law(&flow, line + 4);
    else if (strncmp(line, "flow ", 5)) wrong = strspn(line, " \t\n") == strlen(line) ? NULL : "a line starts with law or flow";
    else if (!(wrong = read_flow(&flow, line + 5, &points))) PetscCall(Solve(&flow, ++number, points));
  }
  fclose(deck);
  if (wrong) {
    fprintf(stderr, "channel: line %d: %s\n", row, wrong);
    return 2;
  }
  PetscCall(PetscFinalize());
  return 0;
}
