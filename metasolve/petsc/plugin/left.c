/* left.c - outermost solves that are left alone and have no line of their own, counted by why. */
#include "left.h"
#include <string.h>

typedef enum {
  LEFT_DIRECT,
  LEFT_ONCE,
  LEFT_METHOD,
  LEFT_TRANSPOSED,
  LEFT_PREFIX,
  LEFT_KINDS
} Kind;
static const char *const names[LEFT_KINDS] = {
  [LEFT_DIRECT]     = "direct solves",
  [LEFT_ONCE]       = "solves by a preconditioner alone",
  [LEFT_METHOD]     = "solves by a method without a tolerance on b - A x",
  [LEFT_TRANSPOSED] = "transposed solves",
  [LEFT_PREFIX]     = "solves with another options prefix",
};
static PetscInt counts[LEFT_KINDS];

static Kind KindOf(KSP ksp, PetscBool meant)
{
  const char *method = ((PetscObject)ksp)->type_name, *pc = ksp->pc ? ((PetscObject)ksp->pc)->type_name : NULL;

  if (ksp->transpose_solve) return LEFT_TRANSPOSED;
  if (meant) return LEFT_PREFIX; /* nothing else is left of what is meant */
  if (!method || strcmp(method, KSPPREONLY) != 0) return LEFT_METHOD;
  return pc && (!strcmp(pc, PCLU) || !strcmp(pc, PCCHOLESKY)) ? LEFT_DIRECT : LEFT_ONCE;
}

void LeftCount(KSP ksp, PetscBool meant)
{
  counts[KindOf(ksp, meant)]++;
}

const char *LeftKind(int i, PetscInt *solves)
{
  if (i >= LEFT_KINDS) return NULL;
  *solves = counts[i];
  return names[i];
}
