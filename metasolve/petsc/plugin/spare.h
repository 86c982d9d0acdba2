/* spare.h - memory that the machine has to spare. */
#pragma once

double MemoryFree(void); /* bytes that it could give without swapping; infinite where it does not say */
