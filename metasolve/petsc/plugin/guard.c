/* guard.c - traps, exception flags and locale of the host: kept, and put back. */
#ifndef _GNU_SOURCE
  #define _GNU_SOURCE
#endif
#include "guard.h"
#include <fenv.h>
#include <locale.h>

int MetasolveDepth = 0;

static _Thread_local struct {
  int      depth; /* how many have entered and not left; 0: the host has what is its own */
  fenv_t   floating;
  locale_t locale;
} guard;

/* Numbers as in C, everything else as the process has it; made once, kept until the end. */
static locale_t Numbers(void)
{
  static locale_t c = (locale_t)0;

  if (!c) c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  return c;
}

static void Hold(void)
{
  locale_t numbers = Numbers();

  (void)feholdexcept(&guard.floating);
  guard.locale = numbers ? uselocale(numbers) : (locale_t)0;
}

static void Restore(void)
{
  if (guard.locale) (void)uselocale(guard.locale);
  (void)fesetenv(&guard.floating);
}

void GuardEnter(void)
{
  if (!guard.depth++) Hold();
}

void GuardLeave(void)
{
  if (guard.depth > 0 && !--guard.depth) Restore();
}

int GuardLift(void)
{
  int depth = guard.depth;

  if (depth) Restore();
  guard.depth = 0;
  return depth;
}

void GuardSettle(int lifted)
{
  if (lifted) Hold();
  guard.depth = lifted;
}
