/* prior.c - a forest looked up in microseconds, and what its candidates are here. */
#include "prior_data.h"
#include "clock.h"
#include <math.h>
#include <string.h>

#define UNIT     256. /* of the values, to a natural logarithm ... */
#define WORK     1e-9 /* ... of seconds for an entry of the matrix */
#define TREES    (PRIOR_PARTS - 1)
#define BEGINS   4  /* log10 of the rows beyond which candidates have a growth of their own */
#define LOG_ROWS 0  /* places of features */
#define COMPLEX  3. /* times as long with complex numbers takes what iterates ... */
#define FACTOR   2. /* ... and a factorisation: the prior is fitted to real ones */
#define PER_ROW  1

PETSC_EXTERN PetscFunctionList PCList;

int PriorCount(Prior p)
{
  return p->n;
}

const char *PriorMark(Prior p)
{
  return p->mark;
}

const char *PriorName(Prior p, int candidate)
{
  return candidate < 0 ? "" : p->candidate[candidate].name;
}

int PriorFind(Prior p, const char *name)
{
  for (int i = 0; i < p->n; i++)
    if (!strcmp(p->candidate[i].name, name)) return i;
  return -1;
}

/* ---- what is foreseen ---- */
/* Comparisons are quiet: with NaN an ordered one raises an exception. Such a feature goes left. */
static const int16_t *Leaf(Prior p, int tree, const float x[])
{
  int32_t at = p->root[tree];

  while (at >= 0) at = isgreater(x[p->feature[at]], p->threshold[at]) ? p->right[at] : p->left[at];
  return p->value + (size_t)(-1 - at) * (size_t)p->n * 2;
}

static int Trees(Prior p, int part)
{
  return (p->trees - part + TREES - 1) / TREES;
}

/* ln of times as long as with real numbers */
static double Slower(Prior p, int candidate)
{
  if (!PetscDefined(USE_COMPLEX)) return 0;
  return log(PriorFactorises(p, candidate) ? FACTOR : COMPLEX);
}

void PriorForecast(Prior p, const double features[], Forecast *f)
{
  const double work = features[LOG_ROWS] * log(10) + log(fmax(features[PER_ROW], 1)) + log(WORK), trees = p->trees;
  float        x[METASOLVE_FEATURES];
  int32_t      total[TREES][PRIOR_CANDIDATES] = {{0}}, solve[PRIOR_CANDIDATES] = {0};

  for (int i = 0; i < METASOLVE_FEATURES; i++) x[i] = (float)features[i];
  for (int t = 0; t < p->trees; t++) {
    const int16_t *leaf = Leaf(p, t, x);
    for (int i = 0; i < p->n; i++) {
      total[t % TREES][i] += leaf[2 * i];
      solve[i] += leaf[2 * i + 1];
    }
  }
  for (int i = 0; i < p->n; i++) {
    const double larger = fmax(features[LOG_ROWS] - BEGINS, 0), *grows = p->candidate[i].grows;
    double       mean = 0;
    for (int g = 0; g < TREES; g++) mean += total[g][i] / trees;
    const double slower = Slower(p, i);
    f->total[i]         = mean / UNIT + work + larger * grows[0] + slower;
    f->solve[i]         = solve[i] / trees / UNIT + work + larger * grows[1] + slower;
    for (int g = 0; g < TREES; g++) f->apart[g][i] = (total[g][i] - mean * Trees(p, g)) / UNIT / sqrt(trees);
    f->apart[TREES][i] = 1;
  }
}

static const char *ValueOf(const Chosen *s, const char *name)
{
  for (int i = 0; i < s->n; i++)
    if (!strcmp(s->pair[i].name, name)) return s->pair[i].value;
  return NULL;
}

/* ---- where a product with the operator takes longer than one with the matrix that was looked at ---- */
/* An iteration, in products with that matrix: product, preconditioner, and vectors. */
static double Products(const char *pc)
{
  static const struct {
    const char *pc;
    double      products;
  } known[] = {
    {PCNONE,   2 },
    {PCJACOBI, 2 },
    {PCSOR,    3 },
    {PCILU,    3 },
    {PCICC,    3 },
    {PCGAMG,   12},
    {PCHYPRE,  12},
    {PCLU,     20}
  };

  for (size_t i = 0; pc && i < sizeof known / sizeof *known; i++)
    if (!strcmp(known[i].pc, pc)) return known[i].products;
  return pc && !strcmp(pc, PCCHOLESKY) ? 20 : 3;
}

static double Later(double ln, double seconds)
{
  return log(exp(ln) + seconds);
}

void PriorDearer(Prior p, double dear, double usual, Forecast *f)
{
  for (int i = 0; i < p->n; i++) {
    const double each       = Products(ValueOf(&p->candidate[i].settings[0], "pc_type")) * fmax(usual, WORK);
    const double iterations = fmax(exp(f->solve[i]) / each, 1), more = iterations * fmax(dear - usual, 0);

    f->total[i] = Later(f->total[i], more);
    f->solve[i] = Later(f->solve[i], more);
  }
}

/* ---- what the candidates are here ---- */
static PetscBool Same(const char *name, const char *type)
{
  return (PetscBool)(type && !strcmp(name, type));
}

/* Its package decides, where a candidate stands for that one. */
static int Find(Prior p, const char *ksp, const char *pc, const char *package)
{
  int any = -1;

  for (int i = 0; i < p->n; i++)
    for (int k = 0; k < p->candidate[i].owns; k++) {
      const Named *n = &p->candidate[i].own[k];
      if (!Same(n->ksp, ksp) || !Same(n->pc, pc)) continue;
      if (Same(n->package, package)) return i;
      if (any < 0 && Same(n->package, "-")) any = i;
    }
  return any;
}

/* Where nobody says which package factorises, PETSc takes the first one that it knows for such a matrix, its own for one rank. */
static PetscErrorCode First(Prior p, PC pc, MatSolverType *package)
{
  const char         *type = ((PetscObject)pc->pmat)->type_name;
  const MatFactorType kind = strcmp(((PetscObject)pc)->type_name, PCLU) ? MAT_FACTOR_CHOLESKY : MAT_FACTOR_LU;
  PetscErrorCode (*first)(Mat, MatFactorType, Mat *) = NULL, (*named)(Mat, MatFactorType, Mat *);

  PetscFunctionBegin;
  PetscCall(MatSolverTypeGet(NULL, type, kind, NULL, NULL, &first));
  for (int i = 0; i < p->n; i++)
    for (int k = 0; k < p->candidate[i].owns && !*package; k++) {
      const char *name = p->candidate[i].own[k].package;
      named            = NULL;
      PetscCall(MatSolverTypeGet(name, type, kind, NULL, NULL, &named));
      if (named && named == first) *package = name;
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PriorOwn(Prior p, KSP ksp, int *candidate)
{
  MatSolverType package = NULL;
  PetscBool     factors;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)ksp->pc, &factors, PCLU, PCCHOLESKY, ""));
  if (factors) PetscCall(PCFactorGetMatSolverType(ksp->pc, &package));
  if (factors && !package && ksp->pc->pmat) PetscCall(First(p, ksp->pc, &package));
  *candidate = Find(p, ((PetscObject)ksp)->type_name, ((PetscObject)ksp->pc)->type_name, package);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int PriorUsual(Prior p, PetscBool direct)
{
  return PetscMax(direct ? Find(p, KSPPREONLY, PCLU, NULL) : Find(p, KSPGMRES, PCILU, NULL), 0);
}

static PetscBool IsPreconditioner(const char *name)
{
  const size_t n = strlen(name), end = strlen("pc_type");

  return (PetscBool)(n >= end && !strcmp(name + n - end, "pc_type"));
}

/* Has this PETSc the preconditioners, and the package that is to factorise? */
static PetscBool Here(const Chosen *s, PetscBool several)
{
  const char *pc = ValueOf(s, "pc_type"), *package = ValueOf(s, "pc_factor_mat_solver_type");
  PetscBool   found = PETSC_TRUE;

  for (int i = 0; i < s->n; i++) {
    void (*made)(void) = NULL;
    if (IsPreconditioner(s->pair[i].name) && (PetscFunctionListFind(PCList, s->pair[i].value, &made) || !made)) return PETSC_FALSE;
  }
  if (ClockCounts() && several && (Same(PCLU, pc) || Same(PCCHOLESKY, pc))) return PETSC_FALSE; /* permit.c: not equal */
  if (package && MatSolverTypeGet(package, several ? MATMPIAIJ : MATSEQAIJ,
                                  Same(PCCHOLESKY, pc) ? MAT_FACTOR_CHOLESKY : MAT_FACTOR_LU, &found, NULL, NULL))
    return PETSC_FALSE;
  return found;
}

PetscBool PriorPossible(Prior p, int candidate, PetscBool several, Nature nature)
{
  Candidate *c = &p->candidate[candidate];

  if (!c->settings[several].n || (c->nature && c->nature != nature)) return PETSC_FALSE;
  if (!c->here[several]) c->here[several] = Here(&c->settings[several], several) ? 1 : -1;
  return (PetscBool)(c->here[several] > 0);
}

PetscBool PriorTransposes(Prior p, int candidate)
{
  const Chosen *s  = &p->candidate[candidate].settings[0];
  const char   *pc = ValueOf(s, "pc_type");

  return (PetscBool)(Same(PCCHOLESKY, pc) || Same(PCICC, pc) || Same(PCICC, ValueOf(s, "sub_pc_type")));
}

PetscBool PriorFactorises(Prior p, int candidate)
{
  const char *pc = ValueOf(&p->candidate[candidate].settings[0], "pc_type");

  return (PetscBool)(Same(PCLU, pc) || Same(PCCHOLESKY, pc));
}

void PriorImpossible(Prior p, int candidate, PetscBool several)
{
  p->candidate[candidate].here[several] = -1;
}

void PriorSettings(Prior p, int candidate, PetscBool several, Settings *s)
{
  const Chosen *chosen = &p->candidate[candidate].settings[several];

  s->n = chosen->n;
  for (int i = 0; i < s->n; i++) {
    snprintf(s->name[i], sizeof s->name[i], "%s", chosen->pair[i].name);
    snprintf(s->value[i], sizeof s->value[i], "%s", chosen->pair[i].value);
  }
}
