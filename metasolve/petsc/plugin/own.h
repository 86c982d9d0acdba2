/* own.h - the program's own set-up of a wrapped KSP; its solve is in host.h. */
#pragma once
#include "host.h"

PetscErrorCode OwnSetUp(KSP, Host *);           /* the KSP's own work space, where that is due */
PetscErrorCode OwnSetUpPC(KSP, Host *);         /* its preconditioner, timed. Collective */
PetscErrorCode OwnSetUpIsDue(KSP, PetscBool *); /* is that still to be done? */
