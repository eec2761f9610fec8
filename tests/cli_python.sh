#!/bin/sh
# Files written by NumPy and SciPy are read here, and the other way round; skipped (77)
# where Debian's python3-numpy or python3-scipy is missing.
. tests/cli.sh
/usr/bin/python3 -c 'import numpy, scipy.sparse' 2>/dev/null || exit 77
[ -x "$BUILD/tests/convert_files" ] || make -s BUILD="$BUILD" "$BUILD/tests/convert_files" || exit 1
exits 0 /usr/bin/python3 tests/python_files.py "$BUILD/tests/convert_files" "$scratch"
says '^all equal$'
finish
