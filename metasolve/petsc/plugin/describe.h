/* describe.h - the program's own configuration of a KSP, as options that rebuild it. */
#pragma once
#include "metasolve.h"

PetscErrorCode DescribeHost(KSP, Settings *, const char **why); /* *why: NULL, or why the options are not enough */
