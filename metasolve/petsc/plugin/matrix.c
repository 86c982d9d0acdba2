/* matrix.c - rows of an AIJ matrix without copying, its content hash, and PETSc binary files that only rank 0 writes. */
#include "metasolve.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

PetscErrorCode MatIsRows(Mat A, PetscBool *yes)
{
  PetscInt M, N;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)A, yes, MATSEQAIJ, MATMPIAIJ, ""));
  if (*yes) PetscCall(MatAssembled(A, yes));
  PetscCall(MatGetSize(A, &M, &N));
  if (M != N) *yes = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RowsOpen(Mat A, Rows *r)
{
  PetscBool mpi, done;
  PetscInt  n;

  PetscFunctionBegin;
  memset(r, 0, sizeof *r);
  r->diag = A;
  PetscCall(PetscObjectBaseTypeCompare((PetscObject)A, MATMPIAIJ, &mpi));
  if (mpi) PetscCall(MatMPIAIJGetSeqAIJ(A, &r->diag, &r->off, &r->garray));
  PetscCall(MatGetOwnershipRange(A, &r->rstart, &r->rend));
  PetscCall(MatGetOwnershipRangeColumn(A, &r->cstart, NULL));
  PetscCall(MatGetRowIJ(r->diag, 0, PETSC_FALSE, PETSC_FALSE, &n, &r->ai, &r->aj, &done));
  PetscCall(MatSeqAIJGetArrayRead(r->diag, &r->aa));
  if (r->off) {
    PetscCall(MatGetRowIJ(r->off, 0, PETSC_FALSE, PETSC_FALSE, &n, &r->bi, &r->bj, &done));
    PetscCall(MatSeqAIJGetArrayRead(r->off, &r->ba));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RowsClose(Mat A, Rows *r)
{
  PetscBool done;
  PetscInt  n;

  PetscFunctionBegin;
  (void)A;
  PetscCall(MatSeqAIJRestoreArrayRead(r->diag, &r->aa));
  PetscCall(MatRestoreRowIJ(r->diag, 0, PETSC_FALSE, PETSC_FALSE, &n, &r->ai, &r->aj, &done));
  if (r->off) {
    PetscCall(MatSeqAIJRestoreArrayRead(r->off, &r->ba));
    PetscCall(MatRestoreRowIJ(r->off, 0, PETSC_FALSE, PETSC_FALSE, &n, &r->bi, &r->bj, &done));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline uint64_t Mix(uint64_t h) /* finaliser of splitmix64 */
{
  h ^= h >> 30;
  h *= 0xbf58476d1ce4e5b9ULL;
  h ^= h >> 27;
  h *= 0x94d049bb133111ebULL;
  return h ^ h >> 31;
}

static inline uint64_t Entry(PetscInt i, PetscInt j, PetscScalar v)
{
  uint64_t h = Mix(Mix((uint64_t)i) + (uint64_t)j), bits[sizeof v / sizeof h]; /* of a complex number there are two */

  memcpy(bits, &v, sizeof v);
  for (size_t k = 0; k < sizeof v / sizeof h; k++) h = Mix(h ^ bits[k]);
  return h;
}

PetscErrorCode MatContentHash(Mat A, char hex[17], PetscInt64 *nnz)
{
  Rows     r;
  PetscInt N;
  uint64_t h[2] = {0, 0}, sum[2]; /* a sum over entries does not depend on who owns them */

  PetscFunctionBegin;
  PetscCall(RowsOpen(A, &r));
  for (PetscInt i = 0; i < r.rend - r.rstart; i++) {
    Row row = RowsGet(&r, i);
    for (PetscInt k = 0; k < row.n; k++) h[0] += Entry(i + r.rstart, row.col[k] + r.cstart, row.val[k]);
    for (PetscInt k = 0; k < row.noff; k++) h[0] += Entry(i + r.rstart, r.garray[row.off[k]], row.offval[k]);
    h[1] += (uint64_t)(row.n + row.noff);
  }
  PetscCall(RowsClose(A, &r));
  PetscCallMPI(MPI_Allreduce(h, sum, 2, MPI_UINT64_T, MPI_SUM, PetscObjectComm((PetscObject)A)));
  *nnz = (PetscInt64)sum[1];
  PetscCall(MatGetSize(A, &N, NULL));
  snprintf(hex, 17, "%016llx", (unsigned long long)Mix(sum[0] ^ Mix((uint64_t)N)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of the places of the nonzeros only, independent of the number of ranks. metasolve/guess/pattern.py computes the same. */
PetscErrorCode MatPatternHash(Mat A, uint64_t *hash, PetscInt64 *nnz)
{
  Rows     r;
  uint64_t h[2] = {0, 0}, sum[2];

  PetscFunctionBegin;
  PetscCall(RowsOpen(A, &r));
  for (PetscInt i = 0; i < r.rend - r.rstart; i++) {
    Row      row = RowsGet(&r, i);
    uint64_t own = Mix((uint64_t)(i + r.rstart) + 1);
    for (PetscInt k = 0; k < row.n; k++) h[0] += Mix(own + (uint64_t)(row.col[k] + r.cstart));
    for (PetscInt k = 0; k < row.noff; k++) h[0] += Mix(own + (uint64_t)r.garray[row.off[k]]);
    h[1] += (uint64_t)(row.n + row.noff);
  }
  PetscCall(RowsClose(A, &r));
  PetscCallMPI(MPI_Allreduce(h, sum, 2, MPI_UINT64_T, MPI_SUM, PetscObjectComm((PetscObject)A)));
  *hash = sum[0];
  *nnz  = (PetscInt64)sum[1];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- writing: everything goes through rank 0, which keeps receiving when the disk is full, so nobody ever hangs ---- */
typedef struct {
  MPI_Comm    comm;
  PetscMPIInt rank, size, tag;
  FILE       *file;
  SizeLimit   limit;
  PetscBool   wide; /* numbers of rows or entries do not fit into 32 bits: nor do integers of the file */
  int         error;
  PetscInt64  bytes;
  char        path[PETSC_MAX_PATH_LEN], part[PETSC_MAX_PATH_LEN + 8];
} Writer;
#define CHUNK (1 << 22)

static PetscErrorCode WriterOpen(PetscObject o, const char *path, PetscInt64 largest, Writer *w)
{
  PetscFunctionBegin;
  memset(w, 0, sizeof *w);
  w->wide = (PetscBool)(largest > INT32_MAX);
  PetscCall(PetscObjectGetComm(o, &w->comm));
  PetscCallMPI(MPI_Comm_rank(w->comm, &w->rank));
  PetscCallMPI(MPI_Comm_size(w->comm, &w->size));
  PetscCall(PetscObjectGetNewTag(o, &w->tag));
  snprintf(w->path, sizeof w->path, "%s", path);
  snprintf(w->part, sizeof w->part, "%s.%d", path, (int)getpid());
  if (w->rank == 0 && !(w->file = fopen(w->part, "wb"))) w->error = errno;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void WriterPut(Writer *w, const void *data, size_t bytes)
{
  if (w->error || !bytes) return;
  errno = 0;
  SizeLimitLift(&w->limit);
  if (fwrite(data, 1, bytes, w->file) != bytes) w->error = errno ? errno : EIO;
  else w->bytes += (PetscInt64)bytes;
  SizeLimitSettle(&w->limit);
}

/* Each rank's items, in the order of ranks, big-endian as PETSc wants them. Collective. `data` is overwritten. */
static PetscErrorCode WriterGather(Writer *w, void *data, PetscDataType type, size_t item, size_t n)
{
  char *buffer = NULL;

  PetscFunctionBegin;
#if !defined(PETSC_WORDS_BIGENDIAN)
  PetscCall(PetscByteSwap(data, type, (PetscInt)n));
#endif
  if (w->rank) {
    unsigned long long bytes = n * item, sent = 0;
    PetscCallMPI(MPI_Send(&bytes, 1, MPI_UNSIGNED_LONG_LONG, 0, w->tag, w->comm));
    for (; sent < bytes; sent += CHUNK)
      PetscCallMPI(MPI_Send((char *)data + sent, (int)PetscMin(CHUNK, bytes - sent), MPI_BYTE, 0, w->tag, w->comm));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  WriterPut(w, data, n * item);
  if (w->size > 1) PetscCall(PetscMalloc1(CHUNK, &buffer));
  for (int r = 1; r < w->size; r++) {
    unsigned long long bytes, got = 0;
    PetscCallMPI(MPI_Recv(&bytes, 1, MPI_UNSIGNED_LONG_LONG, r, w->tag, w->comm, MPI_STATUS_IGNORE));
    for (; got < bytes; got += CHUNK) {
      int part = (int)PetscMin(CHUNK, bytes - got);
      PetscCallMPI(MPI_Recv(buffer, part, MPI_BYTE, r, w->tag, w->comm, MPI_STATUS_IGNORE));
      WriterPut(w, buffer, (size_t)part);
    }
  }
  PetscCall(PetscFree(buffer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Whatever the indices of this PETSc are, a file is the same. */
static PetscErrorCode WriterIntegers(Writer *w, PetscInt data[], size_t n)
{
  char *narrow = (char *)data;

  PetscFunctionBegin;
  for (size_t i = 0; !w->wide && i < n; i++) {
    const int32_t value = (int32_t)data[i];
    memcpy(narrow + i * sizeof value, &value, sizeof value);
  }
  if (w->wide) PetscCall(WriterGather(w, data, PETSC_INT, sizeof *data, n));
  else PetscCall(WriterGather(w, data, PETSC_ENUM, sizeof(int32_t), n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriterHeader(Writer *w, int n, const PetscInt header[])
{
  PetscInt copy[4];

  PetscFunctionBegin;
  memcpy(copy, header, (size_t)n * sizeof *copy);
  PetscCall(WriterIntegers(w, copy, w->rank ? 0 : (size_t)n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The file appears under its name only when complete. */
static PetscErrorCode WriterClose(Writer *w, PetscInt64 *bytes, int *error)
{
  PetscFunctionBegin;
  SizeLimitLift(&w->limit);
  if (w->file && fclose(w->file) && !w->error) w->error = errno;
  SizeLimitSettle(&w->limit);
  if (!w->rank && !w->error && rename(w->part, w->path)) w->error = errno;
  if (w->file && w->error) unlink(w->part);
  PetscCallMPI(MPI_Bcast(&w->error, 1, MPI_INT, 0, w->comm));
  *error = w->error;
  *bytes += w->error ? 0 : w->bytes; /* counted on rank 0 */
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteRows(Writer *w, const Rows *r)
{
  PetscInt     m = r->rend - r->rstart, *lengths, *cols;
  PetscScalar *vals;
  size_t       n = 0, all = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(m, &lengths));
  for (PetscInt i = 0; i < m; i++) {
    Row row    = RowsGet(r, i);
    lengths[i] = row.n + row.noff;
    all += (size_t)lengths[i];
  }
  PetscCall(WriterIntegers(w, lengths, (size_t)m));
  PetscCall(PetscFree(lengths));
  PetscCall(PetscMalloc2(all, &cols, all, &vals));
  for (PetscInt i = 0; i < m; i++) { /* global column order: off-diagonal block left of ours, ours, right of ours */
    Row      row = RowsGet(r, i);
    PetscInt k   = 0;
    for (; k < row.noff && r->garray[row.off[k]] < r->cstart; k++, n++) cols[n] = r->garray[row.off[k]], vals[n] = row.offval[k];
    for (PetscInt j = 0; j < row.n; j++, n++) cols[n] = row.col[j] + r->cstart, vals[n] = row.val[j];
    for (; k < row.noff; k++, n++) cols[n] = r->garray[row.off[k]], vals[n] = row.offval[k];
  }
  PetscCall(WriterIntegers(w, cols, all));
  PetscCall(WriterGather(w, vals, PETSC_SCALAR, sizeof *vals, all));
  PetscCall(PetscFree2(cols, vals));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode MatWrite(Mat A, const char *path, PetscInt64 *bytes, int *error)
{
  Writer     w;
  Rows       r;
  PetscInt   M, N;
  PetscInt64 nnz = 0, all;

  PetscFunctionBegin;
  PetscCall(RowsOpen(A, &r));
  for (PetscInt i = 0; i < r.rend - r.rstart; i++) nnz += RowsGet(&r, i).n + RowsGet(&r, i).noff;
  PetscCallMPI(MPI_Allreduce(&nnz, &all, 1, MPIU_INT64, MPI_SUM, PetscObjectComm((PetscObject)A)));
  PetscCall(MatGetSize(A, &M, &N));
  PetscCall(WriterOpen((PetscObject)A, path, PetscMax(all, N), &w));
  PetscCall(WriterHeader(&w, 4, (PetscInt[]){MAT_FILE_CLASSID, M, N, (PetscInt)all}));
  PetscCall(WriteRows(&w, &r));
  PetscCall(RowsClose(A, &r));
  PetscCall(WriterClose(&w, bytes, error));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode VecsWrite(PetscInt nv, const Vec v[], const char *path, PetscInt64 *bytes, int *error)
{
  Writer   w;
  PetscInt N;

  PetscFunctionBegin;
  PetscCall(VecGetSize(v[0], &N));
  PetscCall(WriterOpen((PetscObject)v[0], path, N, &w));
  for (PetscInt i = 0; i < nv; i++) {
    const PetscScalar *a;
    PetscScalar       *copy;
    PetscInt           n;

    PetscCall(VecGetLocalSize(v[i], &n));
    PetscCall(WriterHeader(&w, 2, (PetscInt[]){VEC_FILE_CLASSID, N}));
    PetscCall(PetscMalloc1(n, &copy));
    PetscCall(VecGetArrayRead(v[i], &a));
    PetscCall(PetscArraycpy(copy, a, n));
    PetscCall(VecRestoreArrayRead(v[i], &a));
    PetscCall(WriterGather(&w, copy, PETSC_SCALAR, sizeof *copy, (size_t)n));
    PetscCall(PetscFree(copy));
  }
  PetscCall(WriterClose(&w, bytes, error));
  PetscFunctionReturn(PETSC_SUCCESS);
}
