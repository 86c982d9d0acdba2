/* seen.c - what is seen of a solve that is over: the account, and how good an own answer is. */
#include "runner.h"
#include <math.h>

#define EVERY 64 /* own answers of a class, out of which CLASS_LOOKS are looked at */

/* Is anything known of what own settings take here? What was guessed of them is no loss, and no gain. */
static PetscBool Known(const Solve *s)
{
  const Policy policy = s->run->policy;

  return (PetscBool)(s->class->own_solve.n || !policy || !PolicyIsConstant(policy));
}

/* The account is of what happened inside KSPSolve(), in both columns, without what others had of the processor. Looking at a system
   is not a trial: that has a bound of its own. */
PetscErrorCode SeenCount(Solve *s)
{
  Runner *r   = s->run->runner;
  double  own = SolveOwnSeconds(s);

  PetscFunctionBegin;
  s->lesson.attempt *= s->share;
  if (own > 0)
    ClassMeasured(s->class, s->run->decided ? &s->run->decision : NULL, s->own_share * s->host->setup,
                  fmax(own - s->own_share * s->own_setup, 0), &s->lesson);
  else {
    if (!(s->expected > 0)) PetscCall(DecideExpect(s));
    own = Known(s) ? s->expected : s->share * (s->total - s->decision);
  }
  s->lesson.account = (Account){.own = own, .taken = s->share * s->total};
  AccountAdd(&r->account, own, s->share * (s->total - s->decision));
  AccountAdd(&s->class->account, own, s->share * (s->total - s->decision));
  if (s->answered) PetscFunctionReturn(PETSC_SUCCESS);
  r->looked += s->share * s->decision;
  s->class->looked += s->share * s->decision;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Nothing is asked of an operator that cannot be acted on. */
static PetscErrorCode Residual(Solve *s)
{
  PetscFunctionBegin;
  if (!s->run->runner->journal.path[0] || !s->op.readable) PetscFunctionReturn(PETSC_SUCCESS);
  if (isnan(s->contract.bnorm)) PetscCall(NormOf(s->ksp->vec_rhs, NORM_2, &s->contract.bnorm));
  if (s->contract.judge.A) PetscCall(JudgeAnswer(&s->contract.judge, s->ksp->vec_sol, &s->residual));
  else PetscCall(TrueResidual(s->ksp, &s->residual));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Does what is asked of later answers of the class follow from own ones? */
static PetscBool Follows(const Solve *s)
{
  const ContractKind kind = s->contract.kind;

  if (isnan(s->contract.target)) return PETSC_FALSE;
  return (PetscBool)(kind == CONTRACT_DIRECT || kind == CONTRACT_PRECONDITIONED || s->contract.noise > 0);
}

static PetscErrorCode Attains(Solve *s)
{
  PetscReal of[MEASURES];

  PetscFunctionBegin;
  PetscCall(ContractAttain(s->ksp, &s->op, &s->run->scales, &s->lesson.attains, of));
  s->residual = of[s->contract.judge.measure];
  PetscCall(ContractBlurred(&s->contract, s->residual, &s->class->blurred));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An own answer costs a product to look at: the first ones of a class are, some later ones, and those that failed. Collective. */
PetscErrorCode SeenOwn(Solve *s)
{
  const PetscBool good = (PetscBool)(s->ksp->reason > 0);
  int             look[2];

  PetscFunctionBegin;
  if (s->answered) PetscFunctionReturn(PETSC_SUCCESS);
  look[0] = !good || s->class->looks++ % EVERY < CLASS_LOOKS;
  look[1] = look[0] && good && s->own_measured > 0 && s->run->policy;
  PetscCallMPI(MPI_Bcast(look, 2, MPI_INT, 0, PetscObjectComm((PetscObject)s->ksp)));
  if (look[1] && Follows(s)) PetscCall(Attains(s));
  else if (look[0]) PetscCall(Residual(s));
  if (look[1] && !isnan(s->contract.target)) PetscCall(ContractTold(&s->contract, &s->class->told, &s->class->accepted));
  PetscFunctionReturn(PETSC_SUCCESS);
}
