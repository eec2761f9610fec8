# reads absorption-codes.tsv absorption-atoms.tsv hierarchy-descent.tsv absorption-lambda.tsv
width = 17.8
height = 10.8
load style

codes = results . "/absorption-codes.tsv"
atoms = results . "/absorption-atoms.tsv"
descent = results . "/hierarchy-descent.tsv"
sweep = results . "/absorption-lambda.tsv"
atom(tree, variant) = sprintf('< awk ''!/^#/ && NF && $1 == %d && $2 == %d'' %s', tree, variant, atoms)

set multiplot
set palette defined (0 "#ffffff", 0.5 "#8c96c6", 1 "#3f007d")
unset colorbox
set border 15 linewidth 0.6 linecolor rgb "#404040"
set tics scale 0

# Codes: samples from left to right, features from top to bottom.
set cbrange [0:1.7]
set xrange [-0.5:119.5]
set yrange [3.5:-0.5]
set format x ""
unset xtics
set ytics ("dog" 0, "labrador" 1, "poodle" 2, "cat" 3)
set title panel("a", "codes, true") offset 0,-0.9
set lmargin at screen 0.085; set rmargin at screen 0.335
set tmargin at screen 0.945; set bmargin at screen 0.845
plot codes using 1:2:3 with image pixels
set title "codes, learned"
set tmargin at screen 0.795; set bmargin at screen 0.695
plot codes using 1:2:4 with image pixels
set title "codes, learned, constant ratio"
set xlabel "samples, sorted by who fires" offset 0,0.4
set tmargin at screen 0.645; set bmargin at screen 0.545
plot codes using 1:2:5 with image pixels

# Toy atoms.
set cbrange [0:1]
set xlabel "node" offset 0,0.2
set xrange [-0.5:3.5]
set xtics ("dog" 0, "lab." 1, "poo." 2, "cat" 3)
set format x
set title panel("b", "cosine of atom and node") offset 0,-0.9
set tmargin at screen 0.405; set bmargin at screen 0.105
plot atom(0, 0) using 4:3:6 with image pixels, \
     atom(0, 0) using 4:3:($6 > 0.05 ? sprintf("%.2f", $6) : ""):($6 > 0.7 ? 0xffffff : 0) with labels font ",8" textcolor rgb variable

# WordNet atoms.
set title panel("c", "cosine, WordNet, constant ratio")
set xlabel "node, depth first"
set xrange [-0.5:45.5]
set yrange [45.5:-0.5]
unset xtics
# The lines of datasets/wordnet-dog-small.tree on which these stand, from 0.
set ytics ("dog" 0, "toy dog" 3, "hunting dog" 6, "terrier" 14, "sporting dog" 23, "working dog" 30, "spitz" 42)
set lmargin at screen 0.44; set rmargin at screen 0.71
set tmargin at screen 0.945; set bmargin at screen 0.545
plot atom(1, 1) using 4:3:6 with image pixels

# The direction, and what lambda makes of it.
set border 3
set tics scale 0.5
set format x "%g"
set xtics nomirror autofreq
set ytics nomirror autofreq
set xrange [0:*]
set yrange [*:0]
set title panel("d", "leaving the hierarchy") offset 0,-0.9
set xlabel "step " . epsilon offset 0,0.3
set xtics 0.1
set ylabel "change of the loss / (" . "{/:Italic N}" . lambda . ")" offset 0.6,0
set lmargin at screen 0.80; set rmargin at screen 0.99
set tmargin at screen 0.945; set bmargin at screen 0.545
set key bottom left Left reverse
plot descent using 1:4 with lines linetype 2 title "slope", \
     descent using 1:3 with lines linetype 1 title "closed form", \
     descent using 1:2 every 2 with points pointtype 6 pointsize 0.5 linecolor rgb "#000000" title "full loss"

set title panel("e", "mutual exclusion")
set xlabel lambda offset 0,0.3
set ylabel "co-firing" offset 0.8,0
set logscale x
unset mxtics
set xtics 10
set format x "10^{%T}"
set xrange [7e-5:1.4]
set yrange [-0.04:1.04]
set ytics 0.5
set lmargin at screen 0.50; set rmargin at screen 0.99
set tmargin at screen 0.405; set bmargin at screen 0.105
set key at graph 0.03, 0.5 left Left reverse
plot sweep using ($1 == 0 ? $2 : NaN):3:4:5 with yerrorlines linetype 1 pointsize 0.5 title "independent activations", \
     sweep using ($1 == 1 ? $2 : NaN):3:4:5 with yerrorlines linetype 2 pointsize 0.6 title "constant ratio"
unset multiplot
