/* prior_data.h - the forest in memory: what prior_file.c reads and prior.c looks up. */
#pragma once
#include "prior.h"

#define MOST_OWN 16

typedef struct {
  char name[64], value[64];
} Pair;
typedef struct {
  int   n;
  Pair *pair;
} Chosen;
typedef struct { /* "-": any package */
  char ksp[64], pc[64], package[64];
} Named;
typedef struct {
  char   name[64];
  Nature nature;   /* of the operators that it is for */
  double grows[2]; /* beyond the work: ln seconds of set-up and solve, and of a solve, for each ten times the rows */
  int    owns;
  Named  own[MOST_OWN];
  Chosen settings[2]; /* on one rank, on several; none: not there */
  int    here[2];     /* has this PETSc what they need? 1, -1; 0: not asked yet */
} Candidate;
struct _Prior {
  char      mark[17]; /* of the digest */
  int       n, trees, nodes, leaves;
  Candidate candidate[PRIOR_CANDIDATES];
  int32_t  *root, *feature, *left, *right; /* a child below zero is leaf -1 - child */
  float    *threshold;                     /* features up to it go left */
  int16_t  *value;                         /* (leaves, candidates, 2), see UNIT */
};
