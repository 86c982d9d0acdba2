/*
   account.h - what the program's own settings would have taken, beside what was taken: learning may cost so much and no more.

   The credit is least + free * (own, of this solve) + rate * (own, so far) + (own - taken, so far), in seconds. Of a gain only a
   part counts, for own is then what was expected, and not measured. Nothing is tried whose expected loss exceeds the credit. So
   however bad a model is, a program loses at most the time of a few of its own solves, and `rate` of all of them.
   Where systems grow, what was lost so far is little beside what the next solve might lose: so it is counted in solves as well.
*/
#pragma once

#define ACCOUNT_LEAST  0.01  /* seconds that nobody notices: far less than the start of a process takes ... */
#define ACCOUNT_PINNED 0.25  /* ... and where somebody has chosen the settings who should know */
#define ACCOUNT_FREE   3.    /* times the program's own solve, where the model predicts what that takes ... */
#define ACCOUNT_DOUBT  0.5   /* ... where it does not ... */
#define ACCOUNT_PRIOR  1.    /* ... where a prior does, which knows that of other programs: one attempt may fail ... */
#define ACCOUNT_PROVEN 5.    /* ... and where what it chose has proven itself in the class, so that it is no trial any more */
#define ACCOUNT_GAIN   0.25  /* of what was gained so far */
#define ACCOUNT_SHORT  0.02  /* seconds: losses in shorter solves are counted as if they had taken so long */
#define ACCOUNT_RATE   0.02  /* of the program's own time */
#define LOOKS_LEAST    0.003 /* seconds of looks of which nothing has come, ... */
#define LOOKS_RATE     0.005 /* ... and of the program's own time: less than for attempts, for they go on as long as it does */

typedef struct {
  double own, taken; /* seconds */
  double lost;       /* own solves whose time was lost, beyond what was gained */
} Account;

static inline double AccountGain(double gain)
{
  return gain > 0 ? ACCOUNT_GAIN * gain : gain;
}

static inline void AccountAdd(Account *a, double own, double taken)
{
  const double lost = a->lost - AccountGain((own - taken) / (own > ACCOUNT_SHORT ? own : ACCOUNT_SHORT));

  a->own += own;
  a->taken += taken;
  a->lost = lost > 0 ? lost : 0;
}

static inline int AccountLooksBeyond(const Account *a, double looked, double least)
{
  return looked > least + LOOKS_RATE * a->own + AccountGain(a->own > a->taken ? a->own - a->taken : 0);
}

/* For a solve that own settings need `own` seconds for. */
static inline double AccountCredit(const Account *a, double least, double free, double own)
{
  const double gain = AccountGain(a->own - a->taken), lost = a->lost * own;

  return least + free * own + ACCOUNT_RATE * a->own + (gain < -lost ? gain : (gain > 0 ? gain : 0) - lost);
}
