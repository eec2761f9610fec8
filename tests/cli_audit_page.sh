#!/bin/sh
# The commands of src/tools/AUDIT.md give the output that the page shows.  The page is its own test:
# the lines after "$ " are run in order, what follows up to the next one or the end of the block
# is expected.
. tests/cli.sh
for tool in ndl-sample ndl-fit ndl-encode ndl-check; do
    [ -x "$BUILD/bin/$tool" ] || make -s BUILD="$BUILD" "$BUILD/bin/$tool" || exit 1
done
PATH=$(cd "$BUILD/bin" && pwd):$PATH
export PATH
page=$(pwd)/src/tools/AUDIT.md
ln -s "$(pwd)/datasets" "$scratch/datasets"
cd "$scratch" || exit 1
awk '/^```/ { inside = !inside; next } inside' "$page" >shown
grep -q '^\$ ' shown || complain 'the page shows no command'
grep '^\$ ' shown | while read -r _ command; do
    printf '$ %s\n' "$command"
    sh -c "$command" 2>&1 </dev/null || echo "exit $?"
done >got
diff shown got >differences || { complain 'the page shows something else'; cat differences; }
finish
