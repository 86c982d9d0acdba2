/*
   state.h - what runs of a program leave for later ones: classes, what own settings take there, and offsets of candidates.

   A file of words with a digest, read at the start, written at the end and now and then by rank 0. It is replaced as a whole; where
   several runs end at once, each takes over what the others have seen more of.
*/
#pragma once
#include "class.h"
#include "prior.h"

PetscErrorCode StateLoad(MPI_Comm, const char *path, Prior, Class *all); /* collective; a file that is damaged is none */
int            StateSave(const char *path, Prior, Class *all);           /* on one rank; 0 or errno */
