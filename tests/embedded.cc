/*
 * embedded.cc - the same program in C++17.
 */
#include "tests/embedded.c"
