#!/bin/sh
# make install brings the tools and a library that a program outside of this repository can use:
# the example of README.md compiles against it in an empty directory, and runs.
. tests/cli.sh
prefix=$scratch/usr
exits 0 make BUILD="$BUILD" PREFIX="$prefix" install
for tool in ndl-fit ndl-check; do
    exits 0 "$prefix/bin/$tool" --version
done
[ -f "$prefix/share/man/man1/ndl-fit.1" ] || complain 'no man page'
for header in "$prefix"/include/ndl/*.h; do
    grep -q '(public)' "$header" || complain "$header is not public"
done

# README shows the example as it is.
sed 's/^\(..*\)$/    \1/' tests/learn.c >"$scratch/indented"
awk 'NR == FNR { want[++n] = $0; next } { have[++m] = $0 }
     END { for (i = 0; i + n <= m; i++) { for (j = 1; j <= n && have[i + j] == want[j]; j++); if (j > n) exit 0 } exit 1 }' \
    "$scratch/indented" README.md || complain 'README.md shows another tests/learn.c'

mkdir "$scratch/outside"
cp tests/learn.c "$scratch/outside"
printf '1 0\n0 1\n1 0\n0 1\n2 0\n0 2\n' >"$scratch/outside/table.tsv"
cd "$scratch/outside" || exit 1
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
pkg-config --libs ndl | grep -q gslcblas && complain 'gslcblas, ten times slower, is linked'
# No header of GSL is needed, and every public header compiles alone.
# shellcheck disable=SC2046 # options
exits 0 ${CC:-cc} -M learn.c $(pkg-config --cflags ndl)
grep -q 'gsl/' "$scratch/out" && complain 'ndl.h includes a header of GSL'
for header in "$prefix"/include/ndl/*.h; do
    # shellcheck disable=SC2046
    exits 0 ${CC:-cc} -std=c17 -Wall -Wextra -Werror -fsyntax-only -x c "$header" $(pkg-config --cflags ndl)
done
# shellcheck disable=SC2046
exits 0 ${CC:-cc} -std=c17 -Wall -Wextra -Werror learn.c $(pkg-config --cflags --libs ndl) -o learn
exits 0 ./learn table.tsv && says '^loss [0-9.]*, conditions hold to [0-9]e-'
exits 1 ./learn none.tsv && says 'none.tsv: No such file'
# What DESTDIR holds names the final place.
cd - >/dev/null || exit 1
exits 0 make BUILD="$BUILD" DESTDIR="$scratch/stage" PREFIX=/opt/ndl install
grep -q '^prefix=/opt/ndl$' "$scratch/stage/opt/ndl/lib/pkgconfig/ndl.pc" || complain 'ndl.pc names another prefix'
finish
