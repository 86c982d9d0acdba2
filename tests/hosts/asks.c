/* A library that a program may load when it has solved already. */
#include "asks.h"

PetscErrorCode Ask(PC pc)
{
  PetscFunctionBeginUser;
  PetscCall(AskLevels(pc));
  PetscFunctionReturn(0);
}
