/* words.c - text read word by word; the first complaint stays, and nothing is read after it. */
#include "policy.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One line: field, value and remedy. */
void WordsComplain(Words *w, const char *what, const char *got)
{
  if (!w->bad) {
    snprintf(w->why, w->whylen, "%s: expected %s, found '%.64s': %s", w->file, what, got, w->remedy);
    TextPlain(w->why);
  }
  w->bad = 1;
}

const char *WordsNext(Words *w)
{
  const char *word = strtok_r(NULL, " \n", &w->rest);

  if (word) return word;
  WordsComplain(w, "more", "end of file");
  return "";
}

void WordsExpect(Words *w, const char *word)
{
  const char *got = w->bad ? "" : WordsNext(w);

  if (strcmp(got, word)) WordsComplain(w, word, got);
}

double WordsNumber(Words *w)
{
  const char *word = WordsNext(w);
  char       *end;
  double      x = TextToNumber(word, &end);

  if (end == word || *end || !isfinite(x)) WordsComplain(w, "a number", word);
  return x;
}

int WordsCount(Words *w, int low, int high)
{
  double x = WordsNumber(w);

  if (x == floor(x) && x >= low && x <= high) return (int)x;
  WordsComplain(w, "a count in range", "another number");
  return low;
}

void WordsName(Words *w, char name[64])
{
  const char *word = WordsNext(w);

  if (strlen(word) >= 64) WordsComplain(w, "a name below 64 characters", word);
  snprintf(name, 64, "%.63s", word);
}

int WordsOneOf(Words *w, int n, const char *const names[])
{
  const char *word = WordsNext(w);

  for (int i = 0; i < n; i++)
    if (!strcmp(word, names[i])) return i;
  WordsComplain(w, names[0], word);
  return 0;
}

double *WordsNumbers(Words *w, int n)
{
  double *x;

  if (!w->rest || strlen(w->rest) / 2 + 1 < (size_t)n) { /* before much is allocated */
    WordsComplain(w, "as many numbers as announced", "fewer");
    n = 0;
  }
  x = calloc((size_t)n + 1, sizeof(double));

  if (!x) WordsComplain(w, "enough memory", "none");
  for (int i = 0; x && i < n && !w->bad; i++) x[i] = WordsNumber(w);
  return x;
}
