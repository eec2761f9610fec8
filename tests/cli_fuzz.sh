#!/bin/sh
# The kept corpus of the fuzzers: every file whole, cut after every byte, and with every
# byte inverted, through the reader it was found for; also under the sanitizers.
. tests/cli.sh
for build in "$BUILD" "$BUILD/sanitize"; do
    sanitize=
    [ "$build" = "$BUILD" ] || sanitize=SANITIZE=1
    [ -x "$build/tests/fuzz_files" ] || make -s $sanitize BUILD="$build" "$build/tests/fuzz_files" || exit 1
    exits 0 "$build/tests/fuzz_files" tests/corpus/*/*
done
exits 64 "$BUILD/tests/fuzz_files"
exits 2 "$BUILD/tests/fuzz_files" tests/cli_fuzz.sh
says 'not in a directory'
finish
