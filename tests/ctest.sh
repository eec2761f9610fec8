#!/bin/sh
# ctest.sh BUILD -- writes BUILD/tests/CTestTestfile.cmake: one case per test program and script
# of tests/, once more per program for the sanitizers, and one per claim.
set -eu
root=$(pwd)
build=$(mkdir -p "$1/tests" && cd "$1" && pwd)
out=$build/tests/CTestTestfile.cmake

case_() { # NAME LABEL SECONDS COMMAND...; run from the root of the repository
    name=$1 label=$2 timeout=$3
    shift 3
    printf 'add_test(%s' "$name"
    printf ' "%s"' "$@"
    printf ')\nset_tests_properties(%s PROPERTIES LABELS %s TIMEOUT %s SKIP_RETURN_CODE 77\n' "$name" "$label" "$timeout"
    printf '  WORKING_DIRECTORY "%s" ENVIRONMENT "BUILD=%s")\n' "$root" "$build"
}
{
    for source in tests/unit_*.c tests/property_*.c; do
        [ -e "$source" ] || continue
        name=$(basename "$source" .c)
        case_ "$name" "${name%%_*}" 300 "$build/tests/$name"
        case_ "sanitizer_$name" sanitizer 600 "$build/sanitize/tests/$name"
    done
    for script in tests/cli_*.sh; do
        [ -e "$script" ] || continue
        case_ "$(basename "$script" .sh)" cli 600 sh "$script"
    done
    "$build/bin/registry" list |
        while read -r id rest; do
            case_ "claim_$id" claim 60 "$build/bin/registry" verify "$id" --results "$build/results"
        done
    case_ claim_reference claim 60 "$build/bin/registry" verify --quiet --results "$build/results"
} >"$out.new"
mv "$out.new" "$out"
