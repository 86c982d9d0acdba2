/*
   describe.c - the program's own configuration of a KSP, as options that rebuild it on a recorded system.

   What PETSc lets one ask is asked of the objects, so hard-coded types count; what only the options database knows is
   taken from there. Preconditioners that need more than a matrix (a DM, user functions, a splitting) cannot be rebuilt.
*/
#include "describe.h"
#include "contract.h"
#include <ctype.h>
#include <string.h>

static void Set(Settings *s, const char *name, const char *value)
{
  int i = 0;

  while (i < s->n && i < METASOLVE_MAX_SETTINGS && strcmp(s->name[i], name)) i++;
  if (i >= METASOLVE_MAX_SETTINGS) return;
  if (i == s->n) s->n++;
  snprintf(s->name[i], sizeof s->name[i], "%.63s", name);
  snprintf(s->value[i], sizeof s->value[i], "%.63s", value);
}

static void SetNumber(Settings *s, const char *name, double x)
{
  char text[64];

  snprintf(text, sizeof text, "%.17g", x);
  Set(s, name, text);
}

static PetscErrorCode DescribeKSP(KSP ksp, Settings *s)
{
  PetscBool gmres;
  PetscInt  restart;

  PetscFunctionBegin;
  Set(s, "ksp_type", ((PetscObject)ksp)->type_name);
  Set(s, "ksp_norm_type", KSPNormTypes[ksp->normtype]);
  Set(s, "ksp_pc_side", PCSides[ksp->pc_side]);
  PetscCall(PetscObjectTypeCompareAny((PetscObject)ksp, &gmres, KSPGMRES, KSPFGMRES, KSPLGMRES, ""));
  if (gmres) {
    PetscCall(KSPGMRESGetRestart(ksp, &restart));
    SetNumber(s, "ksp_gmres_restart", (double)restart);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DescribeSOR(PC pc, Settings *s)
{
  PetscReal  omega;
  PetscInt   its, lits;
  MatSORType type;

  PetscFunctionBegin;
  PetscCall(PCSORGetOmega(pc, &omega));
  PetscCall(PCSORGetIterations(pc, &its, &lits));
  PetscCall(PCSORGetSymmetric(pc, &type));
  SetNumber(s, "pc_sor_omega", omega);
  SetNumber(s, "pc_sor_its", (double)its);
  SetNumber(s, "pc_sor_lits", (double)lits);
  if (type == SOR_SYMMETRIC_SWEEP) Set(s, "pc_sor_symmetric", "");
  if (type == SOR_BACKWARD_SWEEP) Set(s, "pc_sor_backward", "");
  if (type == SOR_LOCAL_SYMMETRIC_SWEEP) Set(s, "pc_sor_local_symmetric", "");
  if (type == SOR_LOCAL_BACKWARD_SWEEP) Set(s, "pc_sor_local_backward", "");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DescribePC(PC pc, Settings *s, const char **why)
{
  static const char *const rebuilt[] = {PCNONE,     PCJACOBI, PCPBJACOBI, PCBJACOBI, PCSOR,   PCEISENSTAT, PCILU,  PCICC,     PCLU,
                                        PCCHOLESKY, PCASM,    PCGASM,     PCGAMG,    PCHYPRE, PCML,        PCSPAI, PCKACZMARZ};
  const char              *type      = ((PetscObject)pc)->type_name;
  PetscBool                is;
  PetscInt                 levels;
  PCASMType                asmtype;
  PCJacobiType             jacobi;
  MatSolverType            package = NULL;
  int                      i = 0, n = (int)(sizeof rebuilt / sizeof *rebuilt);

  PetscFunctionBegin;
  Set(s, "pc_type", type);
  while (i < n && strcmp(type, rebuilt[i])) i++;
  if (i == n) *why = "its preconditioner needs more than a matrix";
  PetscCall(PetscObjectTypeCompareAny((PetscObject)pc, &is, PCILU, PCICC, ""));
  if (is) {
    PetscCall(PCFactorGetLevels(pc, &levels));
    SetNumber(s, "pc_factor_levels", (double)levels);
  }
  PetscCall(PetscObjectTypeCompareAny((PetscObject)pc, &is, PCLU, PCCHOLESKY, ""));
  if (is) PetscCall(PCFactorGetMatSolverType(pc, &package));
  if (package) Set(s, "pc_factor_mat_solver_type", package);
  PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCSOR, &is));
  if (is) PetscCall(DescribeSOR(pc, s));
  PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCASM, &is));
  if (is) {
    PetscCall(PCASMGetType(pc, &asmtype));
    Set(s, "pc_asm_type", PCASMTypes[asmtype]);
  }
  PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCJACOBI, &is));
  if (is) {
    PetscCall(PCJacobiGetType(pc, &jacobi));
    Set(s, "pc_jacobi_type", PCJacobiTypes[jacobi]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Does an option (without dash and prefix) say how to solve, rather than how long, or what to print? */
static PetscBool Configures(const char *key)
{
  static const char *const families[] = {"ksp_", "pc_", "sub_", "mg_"};
  static const char *const others[]   = {"monitor",    "view",        "converged", "ksp_rtol",      "ksp_atol",
                                         "ksp_divtol", "ksp_max_it",  "error_if",  "initial_guess", "ksp_guess",
                                         "ksp_test",   "ksp_compute", "ksp_plot",  "reuse"};
  PetscBool                family     = PETSC_FALSE;

  for (size_t i = 0; i < sizeof families / sizeof *families; i++)
    family = (PetscBool)(family || !strncmp(key, families[i], strlen(families[i])));
  for (size_t i = 0; family && i < sizeof others / sizeof *others; i++) family = (PetscBool)!strstr(key, others[i]);
  return family;
}

static PetscErrorCode DescribeOptions(const char *prefix, Settings *s)
{
  char  *all, *word, *next, *rest = NULL;
  size_t n = strlen(prefix);

  PetscFunctionBegin;
  PetscCall(PetscOptionsGetAll(NULL, &all));
  for (word = strtok_r(all, " ", &rest); word; word = next) {
    next = strtok_r(NULL, " ", &rest);
    if (word[0] != '-' || isdigit((unsigned char)word[1]) || strncmp(word + 1, prefix, n) || !Configures(word + 1 + n)) continue;
    PetscBool value = (PetscBool)(next && (next[0] != '-' || isdigit((unsigned char)next[1]) || next[1] == '.'));
    Set(s, word + 1 + n, value ? next : "");
  }
  PetscCall(PetscFree(all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Describe(KSP ksp, Settings *s, const char **why)
{
  const char *prefix = ((PetscObject)ksp)->prefix;

  PetscFunctionBegin;
  s->n = 0;
  *why = NULL;
  if (ksp->setfromoptionscalled) PetscCall(DescribeOptions(prefix ? prefix : "", s));
  PetscCall(DescribeKSP(ksp, s));
  PetscCall(DescribePC(ksp->pc, s, why));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DescribeHost(KSP ksp, Settings *s, const char **why)
{
  PetscFunctionBegin;
  PetscCall(Describe(ksp, s, why));
  if (ksp->converged != KSPConvergedDefault && !ContractIsAlone(ksp)) *why = "it has a convergence test of its own";
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Which norm, and so which side, is the contract's business; a factorisation is refined where it falls short. */
PetscErrorCode DescribeInner(KSP ksp, Settings *s)
{
  const char *why;
  int         n = 0;

  PetscFunctionBegin;
  PetscCall(Describe(ksp, s, &why));
  if (ContractIsAlone(ksp)) Set(s, "ksp_type", KSPRICHARDSON);
  for (int i = 0; i < s->n; i++) {
    if (!strcmp(s->name[i], "ksp_norm_type") || !strcmp(s->name[i], "ksp_pc_side")) continue;
    memmove(s->name[n], s->name[i], sizeof *s->name);
    memmove(s->value[n++], s->value[i], sizeof *s->value);
  }
  s->n = why ? 0 : n;
  PetscFunctionReturn(PETSC_SUCCESS);
}
