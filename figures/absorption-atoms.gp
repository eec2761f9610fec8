# reads absorption-atoms.tsv
height = 5.2
load style

atoms = results . "/absorption-atoms.tsv"
atom(tree, variant) = sprintf('< awk ''!/^#/ && NF && $1 == %d && $2 == %d'' %s', tree, variant, atoms)

set multiplot
unset colorbox
set border 15 linewidth 0.6 linecolor rgb "#404040"
set tics scale 0
set cbrange [0:1]
set tmargin at screen 0.92; set bmargin at screen 0.13
set xrange [-0.5:3.5]
set yrange [3.5:-0.5]
set xtics ("dog" 0, "lab." 1, "poo." 2, "cat" 3) offset 0,0.4
set ytics ("dog" 0, "lab." 1, "poo." 2, "cat" 3) offset 0.5,0
set label 1 "node" at graph 0.5, -0.125 center
set title panel("a", "the dog tree") offset 0,-0.8
set lmargin at screen 0.075; set rmargin at screen 0.415
plot atom(0, 0) using 4:3:6 with image pixels, \
     atom(0, 0) using 4:3:($6 > 0.05 ? sprintf("%.2f", $6) : ""):($6 > 0.7 ? 0xffffff : 0) with labels textcolor rgb variable

set title panel("b", "WordNet")
set xrange [-0.5:45.5]
set yrange [45.5:-0.5]
set xtics ("" 0)
# The lines of datasets/wordnet-dog-small.tree on which these stand, from 0.
set ytics ("dog" 0, "toy dog" 3, "hunting" 6, "terrier" 14, "sporting" 23, "working" 30, "spitz" 42)
set label 1 "node, depth first"
set lmargin at screen 0.575; set rmargin at screen 0.99
plot atom(1, 1) using 4:3:6 with image pixels
unset multiplot
