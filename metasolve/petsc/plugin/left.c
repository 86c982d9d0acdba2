/* left.c - outermost solves that are left alone and have no line of their own, counted by why. */
#include "left.h"

static const char *const names[LEFT_KINDS] = {
  [LEFT_DIRECT]     = "direct solves",
  [LEFT_DIRECT_OFF] = "direct solves, under --direct off",
  [LEFT_ONCE]       = "solves by a preconditioner alone",
  [LEFT_METHOD]     = "solves by a method without a tolerance on b - A x",
  [LEFT_TRANSPOSED] = "transposed solves",
  [LEFT_PREFIX]     = "solves with another options prefix",
};
static PetscInt counts[LEFT_KINDS];

void LeftCount(Left kind)
{
  counts[kind]++;
}

const char *LeftKind(int i, PetscInt *solves)
{
  if (i >= LEFT_KINDS) return NULL;
  *solves = counts[i];
  return names[i];
}
