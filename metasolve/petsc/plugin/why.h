/* why.h - why the program's own settings solve, where they do. Only the journal turns these into text. */
#pragma once

typedef enum {
  WHY_NOT, /* a model may act */
  /* the program's KSP or operator is none that can be acted on */
  WHY_NO_NORM,
  WHY_OWN_TEST,
  WHY_COUNTS_ITERATIONS,
  WHY_SCALED,
  WHY_KNOLL,
  WHY_SPECTRUM,
  WHY_TRANSFORMED,
  WHY_NO_OPERATOR,
  WHY_TWO_MATRICES,
  WHY_NO_PRODUCT,
  WHY_NOT_ROWS,
  WHY_NESTED,
  WHY_ZERO,
  WHY_NOT_FINITE,
  WHY_MONITORED,
  WHY_VIEWED,
  /* the model does not want to, or may not */
  WHY_FIRST,
  WHY_NOISY,
  WHY_NO_MODEL,
  WHY_OWN_BEST,
  WHY_OFF,
  WHY_SMALL,
  WHY_DEAR,
  WHY_UNFAMILIAR,
  WHY_NO_GAIN,
  WHY_ADVISED,
  WHY_PAUSED,
  WHY_MEASURED,
  WHY_OVERDRAWN,
  WHY_SLOW_SETUP,
  WHY_MEMORY,
  WHY_UNEQUAL,
  WHY_RAISES,
  WHY_ABANDONED,
  /* what happened */
  WHY_GIVEN_UP,
  WHY_BOTH_FAILED,
  WHY_SETUP_FAILED,
  WHY_PC_FAILED,
  WHY_ERROR,
  WHY_LATE,
  WHY_HOPELESS,
  WHY_DIVERGED,
  WHY_NOT_ACCEPTED,
  WHY_WRONG,
  WHY_COUNT
} Why;
