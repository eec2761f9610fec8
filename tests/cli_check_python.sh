#!/bin/sh
# ndl-check against a NumPy reference of the conditions, pair by pair, on files that NumPy and SciPy
# wrote; skipped (77) where Debian's python3-numpy or python3-scipy is missing.
. tests/cli.sh
/usr/bin/python3 -c 'import numpy, scipy.sparse' 2>/dev/null || exit 77
[ -x "$BUILD/bin/ndl-check" ] || make -s BUILD="$BUILD" "$BUILD/bin/ndl-check" || exit 1
exits 0 /usr/bin/python3 tests/python_check.py "$BUILD/bin/ndl-check" "$scratch"
says '^all equal$'
finish
