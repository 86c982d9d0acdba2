/* contract.c - what a program asks of an answer, as a bound on a measure of it. */
#include "contract.h"
#include "environment.h"
#include "product.h"
#include <math.h>
#include <string.h>

#define TEN    10. /* times what own answers attain */
#define TWICE  2.
#define FAR    1e6 /* max |D| / min |D| from which rows may be in different units */
#define UNEVEN 4.  /* times an even one: what |b| / |D^-1 b| may be for the 2-norm to mean something in all rows */
#define MEMORY 12  /* answers that the running means remember */

const char *const ContractKinds[] = {"unpreconditioned", "preconditioned", "direct", "own test"};

PetscErrorCode TrueResidual(KSP ksp, PetscReal *norm)
{
  Judge j = {.measure = MEASURE_NORM, .b = ksp->vec_rhs};

  PetscFunctionBegin;
  PetscCall(KSPGetOperators(ksp, &j.A, NULL));
  PetscCall(JudgeAnswer(&j, ksp->vec_sol, norm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- of which kind is it? ---- */
PetscBool ContractIsAlone(KSP ksp)
{
  return (PetscBool)!strcmp(((PetscObject)ksp)->type_name, KSPPREONLY);
}

PetscBool ContractFactors(KSP ksp)
{
  const char *pc = ksp->pc ? ((PetscObject)ksp->pc)->type_name : NULL;

  return (PetscBool)(pc && (!strcmp(pc, PCLU) || !strcmp(pc, PCCHOLESKY)));
}

/* A factor of another matrix is an ordinary preconditioner of a Krylov method. */
PetscBool ContractIsDirect(KSP ksp)
{
  if (!ContractFactors(ksp) || ksp->pc->reusepreconditioner || EnvironmentAsked()->no_direct) return PETSC_FALSE;
  if (ContractIsAlone(ksp)) return ksp->guess_zero;
  return (PetscBool)(ksp->converged == KSPConvergedDefault && ksp->pc->mat == ksp->pc->pmat);
}

/* *why is left as it is where a model may act on this KSP. */
PetscErrorCode ContractRead(KSP ksp, Why *why)
{
  const PetscBool               own = (PetscBool)(ksp->converged != KSPConvergedDefault);
  const KSPConvergedDefaultCtx *c   = own ? NULL : (const KSPConvergedDefaultCtx *)ksp->cnvP;

  PetscFunctionBegin;
  if (ScalesSystem(ksp)) *why = WHY_SCALED;
  else if (ksp->pc->ops->presolve) *why = WHY_TRANSFORMED;
  else if (ContractIsAlone(ksp)) {
    if (!ContractIsDirect(ksp)) *why = WHY_NO_NORM;
    else if (ksp->pc->mat != ksp->pc->pmat) *why = WHY_TWO_MATRICES;
  } else if (ksp->normtype == KSP_NORM_NONE) *why = WHY_NO_NORM;
  else if (own ? !ContractIsTheirs(ksp, (void (*)(void))ksp->converged, ksp->cnvP) : !c) *why = WHY_OWN_TEST;
  else if (c && c->convmaxits) *why = WHY_COUNTS_ITERATIONS;
  else if (ksp->guess_knoll) *why = WHY_KNOLL;
  else if (ksp->calc_sings || ksp->calc_ritz) *why = WHY_SPECTRUM;
  PetscFunctionReturn(PETSC_SUCCESS);
}

ContractKind ContractKindOf(KSP ksp)
{
  if (ContractIsDirect(ksp)) return CONTRACT_DIRECT;
  if (ksp->converged != KSPConvergedDefault) return CONTRACT_OWN_TEST;
  return ksp->normtype == KSP_NORM_UNPRECONDITIONED ? CONTRACT_UNPRECONDITIONED : CONTRACT_PRECONDITIONED;
}

/* ---- how much is asked for? ---- */
/* In the 2-norm own answers are far from the tolerance; with each row divided by its diagonal they are much nearer. */
static PetscBool InRows(const Attained *own)
{
  return (PetscBool)(own->answers > 0 && own->norm > log(TEN) && own->rows < own->norm - log(TEN));
}

/* Where b lies in rows with a large diagonal, the 2-norm asks next to nothing of all other rows, and a preconditioned norm does. */
PetscErrorCode ContractMeasure(KSP ksp, const Attained *own, Judge *j)
{
  const ContractKind kind   = ContractKindOf(ksp);
  const PetscBool    beyond = (PetscBool)(own->answers > 0 && own->rows > log(TEN));
  PetscReal          times;

  PetscFunctionBegin;
  j->measure = kind == CONTRACT_DIRECT ? MEASURE_BACKWARD : MEASURE_NORM;
  if (kind != CONTRACT_PRECONDITIONED) PetscFunctionReturn(PETSC_SUCCESS);
  if (InRows(own)) j->measure = MEASURE_ROWS;
  if (j->measure == MEASURE_ROWS || beyond) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(JudgeUneven(j, &times));
  if (isgreater(times, UNEVEN)) j->measure = MEASURE_ROWS;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscReal ContractExact(const Attained *own)
{
  return own->answers > 0 ? fmin(TEN * exp(own->backward), CONTRACT_DIRECT_MOST) : CONTRACT_DIRECT_RTOL;
}

Attained ContractAttained(Measure measure, PetscReal tolerance)
{
  Attained own = {.answers = 1};

  if (measure == MEASURE_ROWS) own.norm = 3 * log(TEN);
  if (measure == MEASURE_BACKWARD) own.backward = log(tolerance / TEN);
  return own;
}

void ContractTolerances(KSP ksp, PetscReal *rtol, PetscReal *abstol)
{
  const PetscBool direct = ContractIsDirect(ksp);

  *rtol   = direct ? CONTRACT_DIRECT_RTOL : ksp->rtol;
  *abstol = direct ? 0 : ksp->abstol;
}

/* Where rows seem to be in different units, the first own answers say what can be asked for. */
static PetscErrorCode Choose(KSP ksp, const Attained *own, Contract *c, Why *why)
{
  const PetscBool unknown = (PetscBool)(c->kind == CONTRACT_PRECONDITIONED && !(own->answers > 0));

  PetscFunctionBegin;
  PetscCall(ContractMeasure(ksp, own, &c->judge));
  if (c->judge.measure == MEASURE_NORM && !unknown) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ScalesOpen(c->judge.P, ksp->vec_rhs, c->judge.scales));
  if (unknown && c->judge.scales->apart > FAR) *why = WHY_FIRST;
  if (c->judge.measure != MEASURE_NORM) PetscCall(JudgeAnswer(&c->judge, NULL, &c->zero));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What rtol is relative to. */
static PetscErrorCode Reference(KSP ksp, const Contract *c, PetscReal *reference)
{
  const KSPConvergedDefaultCtx *given   = (const KSPConvergedDefaultCtx *)ksp->cnvP;
  const PetscBool               initial = (PetscBool)(!ksp->guess_zero && (given->initialrtol || given->mininitialrtol));
  PetscReal                     start;

  PetscFunctionBegin;
  *reference = c->zero;
  if (!initial) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(JudgeAnswer(&c->judge, ksp->vec_sol, &start));
  *reference = given->initialrtol ? start : fmin(start, c->zero);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ContractTarget(KSP ksp, const Operator *o, const Attained *own, PetscReal told, Scales *scales, Contract *c,
                              Why *why)
{
  PetscReal reference;

  PetscFunctionBegin;
  *c = (Contract){
    .ksp = ksp, .kind = ContractKindOf(ksp), .judge = {.A = o->A, .P = o->P, .b = ksp->vec_rhs, .scales = scales}
  };
  PetscCall(NormOf(ksp->vec_rhs, NORM_2, &c->bnorm));
  c->zero = c->bnorm;
  if (!isfinite(c->bnorm)) *why = WHY_NOT_FINITE;
  else if (!PetscIsNormalReal(c->bnorm)) *why = WHY_ZERO;
  if (!*why && c->kind == CONTRACT_OWN_TEST) PetscCall(ContractTell(c, told));
  if (*why || c->kind == CONTRACT_OWN_TEST) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ProductNoise(c->judge.A, &c->noise));
  PetscCall(Choose(ksp, own, c, why));
  c->target = ContractExact(own);
  if (c->kind == CONTRACT_DIRECT) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Reference(ksp, c, &reference));
  c->target = ksp->rtol * reference;
  if (c->kind == CONTRACT_UNPRECONDITIONED) c->target = fmax(c->target, ksp->abstol);
  c->target = fmax(c->target, c->noise * c->zero);
  c->most   = own->answers > 0 ? TEN * exp(own->norm) * ksp->rtol * c->zero : c->target;
  c->asked  = c->target;
  if (c->noise > 0 && !(own->answers > 0)) *why = WHY_NOISY;
  if (!isfinite(c->target)) *why = WHY_NOT_FINITE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A method that is looked at anyway keeps its own: it may minimise that one, and it may be all that is in reach. */
KSPNormType ContractNorm(const Contract *c)
{
  return c->judge.measure == MEASURE_NORM ? KSP_NORM_UNPRECONDITIONED : KSP_NORM_DEFAULT;
}

PetscBool ContractMet(const Contract *c, PetscReal measure)
{
  return (PetscBool)islessequal(measure, c->target);
}

/* A difference is of function values that are rounded to the size of A times what it is taken at. */
static PetscErrorCode Blur(const Contract *c, Vec x, PetscReal *blur)
{
  PetscReal norm;

  PetscFunctionBegin;
  PetscCall(ScalesOpen(c->judge.P, c->judge.b, c->judge.scales));
  PetscCall(NormOf(x, NORM_2, &norm));
  *blur = c->noise * norm * (c->judge.measure == MEASURE_ROWS ? TWICE : c->judge.scales->norm);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ContractBlur(Contract *c, Vec x)
{
  PetscReal blur, most;

  PetscFunctionBegin;
  if (!(c->noise > 0) || !(c->target > 0)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Blur(c, x, &blur));
  most      = c->blurred > 0 ? TEN * c->blurred * blur : c->most;
  c->target = isgreater(blur, c->asked) ? fmin(blur, fmax(most, c->asked)) : c->asked;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ContractBlurred(const Contract *c, PetscReal residual, PetscReal *blurred)
{
  PetscReal blur;

  PetscFunctionBegin;
  if (!(c->noise > 0)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Blur(c, c->ksp->vec_sol, &blur));
  if (blur > 0) *blurred = residual / blur;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- what own answers attain ---- */
/* ln of what the answer has, over what is relative to. */
static double Logarithm(PetscReal value, PetscReal one)
{
  return log(fmax(value, PETSC_MACHINE_EPSILON * PETSC_MACHINE_EPSILON)) - log(one);
}

static void Mix(double *mean, double x, double answers)
{
  if (isfinite(x)) *mean += (x - *mean) / answers;
}

void AttainedAdd(Attained *own, const Attained *seen)
{
  own->answers = fmin(own->answers + 1, MEMORY);
  Mix(&own->norm, seen->norm, own->answers);
  Mix(&own->rows, seen->rows, own->answers);
  Mix(&own->backward, seen->backward, own->answers);
}

/* What a Krylov method stops at says nothing of what a factorisation of the same operator attains. */
PetscErrorCode ContractAttain(KSP ksp, const Operator *o, Scales *scales, Attained *seen, PetscReal of[MEASURES])
{
  Judge     j = {.A = o->A, .P = o->P, .b = ksp->vec_rhs, .scales = scales};
  PetscReal zero[MEASURES];

  PetscFunctionBegin;
  PetscCall(ScalesOpen(j.P, ksp->vec_rhs, scales));
  PetscCall(JudgeAll(&j, ksp->vec_sol, of));
  PetscCall(JudgeAll(&j, NULL, zero));
  seen->norm     = Logarithm(of[MEASURE_NORM], ksp->rtol * zero[MEASURE_NORM]);
  seen->rows     = Logarithm(of[MEASURE_ROWS], ksp->rtol * zero[MEASURE_ROWS]);
  seen->backward = Logarithm(ContractIsDirect(ksp) ? of[MEASURE_BACKWARD] : CONTRACT_DIRECT_RTOL / TEN, 1);
  seen->answers  = 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}
