/* describe.h - the program's own configuration of a KSP, as options that rebuild it. */
#pragma once
#include "metasolve.h"

PetscErrorCode DescribeInner(KSP, Settings *); /* the same, to be used on its own operator under a contract; n 0: it cannot */
PetscErrorCode DescribeHost(KSP, Settings *, const char **why); /* *why: NULL, or why the options are not enough */
