/* sha256.h - SHA-256 (FIPS 180-4), for the plug-in and for its loader. */
#pragma once
#include <stddef.h>

#define SHA256_ROOM 65 /* hexadecimal digits and a zero */

void Sha256(const void *data, size_t bytes, char hex[SHA256_ROOM]);
int  Sha256File(const char *path, long long *bytes, char hex[SHA256_ROOM]); /* 0, or errno says why it cannot be read */
