/* Geometric multigrid for

       -strength u_xx - u_yy = 1  in the unit square, u = 0 on its boundary,

   on a grid of cells x cells, a power of two times a few. Usage: multigrid DECK

   A deck has one key and one value per line; # begins a comment. Keys: cells, strength, smoother
   (jacobi, gauss_seidel, line), damping, sweeps, cycle (v, w), levels, tolerance, max_cycles. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  int    cells, sweeps, levels, max_cycles;
  double strength, damping, tolerance;
  char   smoother[32], cycle[8];
} Deck;

typedef struct {
  int     n; /* cells per side; unknowns 1 .. n-1 */
  double *u, *f, *r;
} Level;

static Deck   deck = {64, 1, 20, 100, 1, 0.7, 1e-9, "jacobi", "v"};
static Level *level;
static double *line, *upper;

#define AT(v, n, i, j) (v)[(size_t)(j) * ((n) + 1) + (i)]

static int read_deck(const char *name)
{
  char  text[256], key[64], value[64];
  FILE *file = fopen(name, "r");
  if (!file) return fprintf(stderr, "multigrid: cannot read %s\n", name), 0;
  while (fgets(text, sizeof text, file)) {
    text[strcspn(text, "#\n")] = 0;
    if (sscanf(text, "%63s %63s", key, value) != 2) continue;
    if (!strcmp(key, "cells")) deck.cells = atoi(value);
    else if (!strcmp(key, "strength")) deck.strength = atof(value);
    else if (!strcmp(key, "smoother")) snprintf(deck.smoother, sizeof deck.smoother, "%.31s", value);
    else if (!strcmp(key, "damping")) deck.damping = atof(value);
    else if (!strcmp(key, "sweeps")) deck.sweeps = atoi(value);
    else if (!strcmp(key, "cycle")) snprintf(deck.cycle, sizeof deck.cycle, "%.7s", value);
    else if (!strcmp(key, "levels")) deck.levels = atoi(value);
    else if (!strcmp(key, "tolerance")) deck.tolerance = atof(value);
    else if (!strcmp(key, "max_cycles")) deck.max_cycles = atoi(value);
    else return fprintf(stderr, "multigrid: %s: no key %s\n", name, key), fclose(file), 0;
  }
  fclose(file);
  return 1;
}

static double residual_at(const Level *l, int i, int j, double ax, double ay)
{
  int n = l->n;
  return AT(l->f, n, i, j) + ax * (AT(l->u, n, i - 1, j) + AT(l->u, n, i + 1, j)) +
         ay * (AT(l->u, n, i, j - 1) + AT(l->u, n, i, j + 1)) - 2 * (ax + ay) * AT(l->u, n, i, j);
}

static double residual(Level *l)
{
  int    n  = l->n;
  double ay = (double)n * n, ax = deck.strength * ay, sum = 0;
  for (int j = 1; j < n; j++)
    for (int i = 1; i < n; i++) {
      double r = AT(l->r, n, i, j) = residual_at(l, i, j, ax, ay);
      sum += r * r;
    }
  return sqrt(sum) / n;
}

static void smooth_lines(Level *l, double ax, double ay)
{
  int n = l->n;
  for (int j = 1; j < n; j++) { /* solves along x */
    double d = 2 * (ax + ay), pivot = d;
    for (int i = 1; i < n; i++) line[i] = residual_at(l, i, j, ax, ay);
    line[1] /= pivot;
    for (int i = 2; i < n; i++) {
      upper[i] = ax / pivot;
      pivot    = d - ax * upper[i];
      line[i]  = (line[i] + ax * line[i - 1]) / pivot;
    }
    for (int i = n - 2; i > 0; i--) line[i] += upper[i + 1] * line[i + 1];
    for (int i = 1; i < n; i++) AT(l->u, n, i, j) += deck.damping * line[i];
  }
}

static void smooth(Level *l)
{
  int    n  = l->n;
  double ay = (double)n * n, ax = deck.strength * ay, scale = deck.damping / (2 * (ax + ay));
  if (!strcmp(deck.smoother, "line")) {
    smooth_lines(l, ax, ay);
  } else if (!strcmp(deck.smoother, "gauss_seidel")) {
    for (int j = 1; j < n; j++)
      for (int i = 1; i < n; i++) AT(l->u, n, i, j) += scale * residual_at(l, i, j, ax, ay);
  } else {
    residual(l);
    for (int j = 1; j < n; j++)
      for (int i = 1; i < n; i++) AT(l->u, n, i, j) += scale * AT(l->r, n, i, j);
  }
}

static void restrict_residual(const Level *fine, Level *coarse)
{
  int n = coarse->n, m = fine->n;
  memset(coarse->u, 0, sizeof(double) * (n + 1) * (n + 1));
  for (int j = 1; j < n; j++)
    for (int i = 1; i < n; i++) {
      double sum = 4 * AT(fine->r, m, 2 * i, 2 * j);
      for (int s = -1; s <= 1; s += 2) {
        sum += 2 * (AT(fine->r, m, 2 * i + s, 2 * j) + AT(fine->r, m, 2 * i, 2 * j + s));
        sum += AT(fine->r, m, 2 * i + s, 2 * j + 1) + AT(fine->r, m, 2 * i + s, 2 * j - 1);
      }
      AT(coarse->f, n, i, j) = sum / 16;
    }
}

static void correct(const Level *coarse, Level *fine)
{
  int n = coarse->n, m = fine->n;
  for (int j = 1; j < m; j++)
    for (int i = 1; i < m; i++) {
      int a = i / 2, b = j / 2, c = (i + 1) / 2, d = (j + 1) / 2;
      AT(fine->u, m, i, j) += 0.25 * (AT(coarse->u, n, a, b) + AT(coarse->u, n, c, b) +
                                      AT(coarse->u, n, a, d) + AT(coarse->u, n, c, d));
    }
}

static void cycle(int k, int last)
{
  int visits = !strcmp(deck.cycle, "w") && k + 1 < last ? 2 : 1;
  if (k == last) {
    for (int i = 0; i < 8 * level[k].n; i++) smooth(&level[k]);
    return;
  }
  for (int i = 0; i < deck.sweeps; i++) smooth(&level[k]);
  residual(&level[k]);
  restrict_residual(&level[k], &level[k + 1]);
  for (int i = 0; i < visits; i++) cycle(k + 1, last);
  correct(&level[k + 1], &level[k]);
  for (int i = 0; i < deck.sweeps; i++) smooth(&level[k]);
}

int main(int argc, char **argv)
{
  int    last = 0, count = 0;
  double norm = 0, sum = 0;
  if (argc < 2) return fprintf(stderr, "usage: multigrid DECK\n"), 2;
  if (!read_deck(argv[1])) return 2;
  for (int n = deck.cells; n % 2 == 0 && n > 3 && last + 1 < deck.levels; n /= 2) last++;
  level = calloc(last + 1, sizeof *level);
  line  = calloc(deck.cells + 1, sizeof *line);
  upper = calloc(deck.cells + 1, sizeof *upper);
  for (int k = 0, n = deck.cells; k <= last; k++, n /= 2) {
    size_t size = (size_t)(n + 1) * (n + 1);
    level[k]    = (Level){n, calloc(size, 8), calloc(size, 8), calloc(size, 8)};
  }
  for (int j = 1; j < deck.cells; j++)
    for (int i = 1; i < deck.cells; i++) AT(level[0].f, deck.cells, i, j) = 1;
  for (count = 0; count <= deck.max_cycles; count++) {
    norm = residual(&level[0]);
    if (norm <= deck.tolerance || !(norm < 1e12) || count == deck.max_cycles) break;
    cycle(0, last);
  }
  printf("cycles %d residual %.3e\n", count, norm);
  if (!(norm <= deck.tolerance)) return fprintf(stderr, "multigrid: no convergence\n"), 3;
  for (int j = 1; j < deck.cells; j++)
    for (int i = 1; i < deck.cells; i++) sum += AT(level[0].u, deck.cells, i, j);
  printf("mean %.12e\n", sum / deck.cells / deck.cells);
  return 0;
}
