#!/bin/sh
# gcc and clang compile everything without a warning.  The second compiler is not among the
# packages: without it this test is skipped.
. tests/cli.sh
command -v clang >/dev/null 2>&1 || exit 77
for compiler in gcc clang; do
    exits 0 make -k CC=$compiler CFLAGS='-O1 -g -Werror' BUILD="$BUILD/warnings-$compiler" programs test-programs
done
finish
