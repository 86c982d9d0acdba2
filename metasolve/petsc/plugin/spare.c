/* spare.c - memory that the machine has to spare. */
#include "spare.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

double MemoryFree(void)
{
  FILE  *file = fopen("/proc/meminfo", "r");
  char   line[256];
  double kilobytes = INFINITY;

  while (file && fgets(line, sizeof line, file))
    if (!strncmp(line, "MemAvailable:", 13)) kilobytes = strtod(line + 13, NULL);
  if (file) fclose(file);
  return 1024 * kilobytes;
}
