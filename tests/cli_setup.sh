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
exits 0 src/scripts/setup.sh "$scratch/list" && says 'missing: two'
[ "$(tail -n 1 "$scratch/calls")" = 'install -y --no-install-recommends two' ] || complain "$(cat "$scratch/calls")"
fake apt-get 'echo no route to host; exit 100'
exits 2 src/scripts/setup.sh "$scratch/list" && says 'no route' && says 'by hand: apt-get .* two$'
# An ordinary user: with sudo, with a sudo that refuses, without sudo.
fake id 'echo 1000'
fake apt-get "echo \"\$DEBIAN_FRONTEND \$@\" >>$scratch/calls"
fake sudo 'exec "$@"'
exits 0 src/scripts/setup.sh "$scratch/list" && says 'sudo apt-get install'
[ "$(tail -n 1 "$scratch/calls")" = 'noninteractive install -y --no-install-recommends two' ] || complain "$(cat "$scratch/calls")"
fake sudo 'exit 1'
exits 2 src/scripts/setup.sh "$scratch/list" && says 'not root and sudo is not available' && says 'by hand: apt-get .* two$'
[ "$(wc -l <"$scratch/calls")" -eq 4 ] || complain 'apt-get was called without the right to'
rm "$scratch/bin/sudo"
for command in sed dpkg-query id; do # a PATH without sudo
    [ -e "$scratch/bin/$command" ] || ln -s "$(command -v $command)" "$scratch/bin/$command"
done
exits 2 env PATH="$scratch/bin" /bin/sh src/scripts/setup.sh "$scratch/list" && says 'not root and sudo is not available'
fake dpkg-query 'printf installed'
exits 0 src/scripts/setup.sh "$scratch/list" && says 'are installed'
exits 2 src/scripts/setup.sh "$scratch/none"
finish
