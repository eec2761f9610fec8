#!/bin/sh
# wordnet-dog.sh -- the hyponym tree under the synset `dog` of WordNet 3.0 as a
# .tree file on standard output.
#
#   sh datasets/wordnet-dog.sh full  [DIRECTORY] > datasets/wordnet-dog.tree
#   sh datasets/wordnet-dog.sh small [DIRECTORY] > datasets/wordnet-dog-small.tree
#
# DIRECTORY holds WordNet's data.noun, index.noun and cntlist.rev; the default is
# that of Debian's package wordnet-base.  How the files are made is told in
# datasets/README.md; their formats in wndb(5WN) and cntlist(5WN).
set -eu
export LC_ALL=C

usage="usage: wordnet-dog.sh full|small [DIRECTORY]"
case ${1-} in
full) least=1 ;;    # every synset: the smoothed count of a leaf is at least 1
small) least=2 ;;
*) echo "$usage" >&2; exit 64 ;;
esac
wordnet=${2-/usr/share/wordnet}
for file in data.noun index.noun cntlist.rev; do
    if [ ! -r "$wordnet/$file" ]; then
        echo "wordnet-dog.sh: cannot read $wordnet/$file (Debian package wordnet-base)" >&2
        exit 2
    fi
done

awk -v least="$least" -v size="$1" '
# One letter of a hexadecimal number.
function hex(letter) { return index("0123456789abcdef", tolower(letter)) - 1 }

# Reads the record of a synset: its words (first[], all their counts tagged[])
# and its pointers (hypernym lists above[], hyponym lists below[], blank-separated).
function parse(s,    f, n, words, i, key, pointers, p) {
    n = split(record[s], f, " ")
    words = 16 * hex(substr(f[4], 1, 1)) + hex(substr(f[4], 2, 1))
    first[s] = tolower(f[5])
    tagged[s] = 0
    for (i = 0; i < words; i++) {
        key = sprintf("%s%%1:%s:%02d::", tolower(f[5 + 2 * i]), f[2], hex(f[6 + 2 * i]))
        if (key in count)
            tagged[s] += count[key]
    }
    p = 5 + 2 * words
    pointers = f[p] + 0
    above[s] = below[s] = ""
    for (i = 0; i < pointers; i++) {
        if (f[p + 1 + 4 * i] ~ /^@/)
            above[s] = above[s] " " f[p + 2 + 4 * i]
        if (f[p + 1 + 4 * i] ~ /^~/)
            below[s] = below[s] " " f[p + 2 + 4 * i]
    }
}

# The smoothed count of a subtree: every synset counts its tags and one more.
function weigh(s,    child, n, i, sum) {
    sum = tagged[s] + 1
    n = split(below[s], child, " ")
    for (i = 1; i <= n; i++)
        if (parent[child[i]] == s)
            sum += weigh(child[i])
    return weight[s] = sum
}

function name(s) { return first[s] ".n." sprintf("%02d", sense[first[s] " " s]) }

function show(s, indent,    child, n, i) {
    printf "%s%s\t%s\t%.12f\tuniform(0.5,1.5)\trandom\t%s\t# %s tagged %d, subtree %d\n", indent, name(s),
        s == root ? "-" : name(parent[s]), weight[s] / weight[parent[s]], s == root ? "-" : "kind",
        s, tagged[s], weight[s]
    n = split(below[s], child, " ")
    for (i = 1; i <= n; i++)
        if (parent[child[i]] == s && weight[child[i]] >= least)
            show(child[i], indent "  ")
}

FILENAME ~ /cntlist/ { count[$1] = $3; next }
/^ / { next }                               # the licence
FILENAME ~ /data/ { sub(/ \| .*/, ""); record[$1] = $0; next }
{ for (i = 1; i <= $3; i++) sense[$1 " " $(NF - $3 + i)] = i }   # index.noun ends in its $3 senses

END {
    root = "02084071"                       # dog, domestic dog, Canis familiaris
    parse(root)
    split(above[root], hypernym, " ")
    top = hypernym[1]                       # canine, canid: what the root is a part of
    queue[0] = top
    length_ = 1
    inside[top] = 1
    for (q = 0; q < length_; q++) {
        s = queue[q]
        parse(s)
        n = split(below[s], child, " ")
        for (i = 1; i <= n; i++)
            if (!(child[i] in inside)) {
                inside[child[i]] = 1
                queue[length_++] = child[i]
            }
    }
    for (q = 1; q < length_; q++) {         # the first hypernym inside the tree is the parent
        n = split(above[queue[q]], up, " ")
        for (i = n; i >= 1; i--)
            if (up[i] in inside)
                parent[queue[q]] = up[i]
    }
    weigh(top)

    print "# The hyponyms of dog (domestic dog, Canis familiaris), synset " root "-n of WordNet 3.0"
    if (size == "small")
        print "# Cut: synsets with a smoothed subtree count of 1 (untagged leaves) belong to their parent."
    print "# Made by `sh datasets/wordnet-dog.sh " size "` from Debian wordnet-base 1:3.0-37, 2026-11-23."
    print "# WordNet 3.0 Copyright 2006 by Princeton University; licence in datasets/WORDNET-LICENSE."
    print "# probability: (tags + 1, summed over the subtree) / (the same for the parent); that of the"
    print "# root is relative to " name(top) " (" weight[top] ").  A comment tells synset offset and counts."
    print "node\tparent\tprobability\tmagnitude\tdirection\texclusive"
    show(root, "")
}' "$wordnet/cntlist.rev" "$wordnet/data.noun" "$wordnet/index.noun"
