/* earlier.h - what is known of starts from earlier solutions, for one inner solver. */
#pragma once
#include "class.h"
#include "span.h"

typedef struct { /* of the inner solver: whether starting from earlier solutions pays */
  Span      span;
  Settings  settings;     /* that what follows is about */
  Mean      own, from;    /* iterations, where the program starts and from a whole span */
  Operator  op;           /* of the last solve that has told, or been told, of: ... */
  double    size;         /* of an answer from the program's own start, over that of its right-hand side: the largest so far */
  Mean      each, cost;   /* seconds of an iteration, and of finding a start */
  int       since, often; /* starts from a span since the last one that was the program's own, and how many there may be */
  PetscBool doubted;      /* the program's own start was asked whether it still pays */
  int       failed, rest; /* times that it did not pay; solves for which nothing is kept */
} Earlier;

typedef enum { /* what is done with earlier solutions */
  RECALL_NOT_ASKED,
  RECALL_NOTHING, /* they are let go */
  RECALL_LATER,   /* this one will be kept */
  RECALL_NOW      /* so will it, and the solve starts from them */
} Recall;
