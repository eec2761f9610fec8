#!/bin/sh
# setup.sh: what it does when nothing is missing, something is missing, and the network is.
# dpkg-query, apt-get and id are stand-ins that write down how they are called.
. tests/cli.sh
mkdir "$scratch/bin"
fake() { printf '#!/bin/sh\n%s\n' "$2" >"$scratch/bin/$1" && chmod +x "$scratch/bin/$1"; }
printf 'one # a comment\n# none\ntwo\n' >"$scratch/list"
fake dpkg-query 'case $* in *two) exit 1 ;; esac; printf installed'
fake id 'echo 0'
fake apt-get "echo \"\$@\" >>$scratch/calls"
PATH=$scratch/bin:$PATH
exits 0 src/setup.sh "$scratch/list" && says 'missing: two'
[ "$(tail -n 1 "$scratch/calls")" = 'install -y --no-install-recommends two' ] || complain "$(cat "$scratch/calls")"
fake apt-get 'echo no route to host; exit 100'
exits 2 src/setup.sh "$scratch/list" && says 'no route' && says 'still missing: two'
fake dpkg-query 'printf installed'
exits 0 src/setup.sh "$scratch/list" && says 'are installed'
exits 2 src/setup.sh "$scratch/none"
finish
