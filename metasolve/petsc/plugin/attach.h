/* attach.h - a KSP that is there already gets a session. */
#pragma once
#include "host.h"

PetscBool      AttachSolves(const char *type); /* does a KSP of this type solve A x = b? */
PetscErrorCode AttachSession(KSP, Session *);
