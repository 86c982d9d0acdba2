/*
   own_test.c - a convergence test of the program's own: whose it is, what it is told, and what it says.

   We carry the 2-norm of the residual along, it is used to the norm that the program's own settings carry along, mostly that of the
   preconditioned residual. With A in Pa these may be eleven orders of magnitude apart. So ours is multiplied with what the test was
   told of an own answer, over its 2-norm. Before there was one, the norm with each row divided by its diagonal stands for it, ten
   times as large: an error that is smooth has less of a residual than a preconditioner makes of it.
*/
#define _GNU_SOURCE
#include "contract.h"
#include "guard.h"
#include <link.h>
#include <math.h>
#include <string.h>

#define DOUBT 10. /* times as small as it looks must a residual be, before an own answer was seen */

/* A function in Fortran is kept with the KSP; one of PETSc's stands in for it and is given the KSP, to find it there. */
static PetscBool InFortran(KSP ksp, const void *context)
{
  return (PetscBool)(context == ksp && ((PetscObject)ksp)->num_fortrancallback[PETSC_FORTRAN_CALLBACK_CLASS] > 0);
}

typedef struct {
  uintptr_t   address;
  const char *file; /* that holds it */
} Sought;

static int Holds(struct dl_phdr_info *object, size_t size, void *sought)
{
  Sought *s = (Sought *)sought;

  (void)size;
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr) *p = object->dlpi_phdr + i;
    if (p->p_type == PT_LOAD && s->address - (object->dlpi_addr + p->p_vaddr) < p->p_memsz) s->file = object->dlpi_name;
  }
  return s->file != NULL;
}

/* Tests of PETSc's own are not: those of trust regions look at the step as well. dladdr() reads all symbols: milliseconds. */
PetscBool ContractIsTheirs(KSP ksp, void (*function)(void), const void *context)
{
  Sought      sought = {(uintptr_t)function, NULL};
  const char *name;

  if (InFortran(ksp, context)) return PETSC_TRUE;
  if (!dl_iterate_phdr(Holds, &sought)) return PETSC_FALSE;
  name = strrchr(sought.file, '/');
  name = name ? name + 1 : sought.file;
  return (PetscBool)(strncmp(name, "libpetsc", 8) && strncmp(name, "libslepc", 8));
}

PetscErrorCode ContractAsk(void *asked, PetscInt it, PetscReal norm, KSPConvergedReason *reason)
{
  const Contract *c      = (const Contract *)asked;
  const KSP       ksp    = c->ksp;
  int             lifted = GuardLift();
  PetscErrorCode  err;

  PetscFunctionBegin;
  norm *= c->told;
  ksp->its   = it;
  ksp->rnorm = norm;
  *reason    = KSP_CONVERGED_ITERATING;
  err        = (*ksp->converged)(ksp, it, norm, reason, ksp->cnvP);
  GuardSettle(lifted);
  PetscCall(err);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscBool InOtherNorm(const Contract *c)
{
  return (PetscBool)(c->kind == CONTRACT_OWN_TEST && c->ksp->normtype != KSP_NORM_UNPRECONDITIONED);
}

/* A preconditioner resembles A^-1: rows in other units change the norm of what it is applied to as D^-1 changes that of b. */
static PetscErrorCode Units(const Contract *c, PetscReal *units)
{
  Judge j = c->judge;

  PetscFunctionBegin;
  j.measure = MEASURE_ROWS;
  PetscCall(ScalesOpen(j.P, j.b, j.scales));
  PetscCall(JudgeAnswer(&j, NULL, units));
  *units /= c->bnorm;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ContractTell(Contract *c, PetscReal told)
{
  PetscFunctionBegin;
  c->told = 1;
  if (!InOtherNorm(c)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Units(c, &c->told));
  c->told *= told > 0 ? told : DOUBT;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ContractTold(const Contract *c, PetscReal *told, PetscReal *accepted)
{
  PetscReal norm, units, ratio;

  PetscFunctionBegin;
  if (c->kind != CONTRACT_OWN_TEST) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(JudgeAnswer(&c->judge, c->ksp->vec_sol, &norm));
  if (isgreater(norm, 0)) *accepted = norm / c->bnorm;
  if (!InOtherNorm(c)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Units(c, &units));
  ratio = c->ksp->rnorm / norm / units;
  if (isfinite(ratio) && isgreater(ratio, 0)) *told = ratio;
  PetscFunctionReturn(PETSC_SUCCESS);
}
