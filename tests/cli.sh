# cli.sh -- read by the tests/cli_*.sh scripts: a scratch directory and expectations.
set -u
unset MAKEFLAGS MAKELEVEL MFLAGS MAKEOVERRIDES
export LC_ALL=C.UTF-8
BUILD=${BUILD:-$(pwd)/build}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

complain() {
    printf 'FAIL: %s\n' "$*"
    failures=$((failures + 1))
}
# exits STATUS COMMAND...: stdout and stderr are then in $scratch/out and $scratch/err
exits() {
    wanted=$1
    shift
    "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
    status=$?
    [ $status -eq "$wanted" ] && return
    complain "exit $status instead of $wanted: $*"
    sed 's/^/    /' "$scratch/out" "$scratch/err" | tail -n 20
}
# says PATTERN: the last command printed a line that matches
says() {
    grep -q -e "$1" "$scratch/out" "$scratch/err" && return
    complain "nothing printed matches '$1'"
    sed 's/^/    /' "$scratch/out" "$scratch/err" | tail -n 20
}
same() { # FILE FILE
    cmp -s "$1" "$2" || complain "$1 and $2 differ"
}
finish() {
    [ $failures -eq 0 ] && exit 0
    echo "$failures expectations failed"
    exit 1
}
