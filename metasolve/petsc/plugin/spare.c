/* spare.c - memory that the machine has to spare. */
#include "spare.h"
#include "clock.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What others leave of it differs from run to run. Where that must not count, all of it is taken to be there. */
double MemoryFree(void)
{
  const char *what = ClockCounts() ? "MemTotal:" : "MemAvailable:";
  FILE       *file = fopen("/proc/meminfo", "r");
  char        line[256];
  double      kilobytes = INFINITY;

  while (file && fgets(line, sizeof line, file))
    if (!strncmp(line, what, strlen(what))) kilobytes = strtod(line + strlen(what), NULL);
  if (file) fclose(file);
  return 1024 * kilobytes;
}
