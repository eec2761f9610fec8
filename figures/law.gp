# reads law-cosines.tsv strict-alone.tsv
height = 9.2
load style

cosines = results . "/law-cosines.tsv"
alone = results . "/strict-alone.tsv"
set multiplot
set lmargin at screen 0.135; set rmargin at screen 0.985

set title panel("a", "where a hierarchy comes to stand") offset 0,-0.6
set tmargin at screen 0.945; set bmargin at screen 0.605
set xlabel "price of the parent, in prices of the child" offset 0,0.7
set ylabel "cosine to the parent" offset 0.8,0
set xrange [0:0.85]
set yrange [-0.04:1.25]
set xtics 0, 0.2, 0.8
set ytics (0, 0.2, 0.4, 0.6, 0.8)
set key at graph 0.02, 0.98 top left Left reverse samplen 2.5 font ",7"
array name[4] = ["weighted L1", "tree, l2", "tree, maximum, parent partly free", "tree, maximum, parent free"]
plot for [form = 0:3] cosines using ($1 == form ? $2 : NaN):4 with lines linetype form + 1, \
     for [form = 0:3] cosines using ($1 == form ? $2 : NaN):3 with linespoints linetype form + 1 title name[form + 1]

set title panel("b", "a child that fires alone, too") offset 0,-0.6
set tmargin at screen 0.44; set bmargin at screen 0.105
set xlabel "share of the samples where it does" offset 0,0.7
set ylabel "cosine to the parent" offset 0.8,0
set xrange [-0.005:0.205]
set yrange [0:0.5]
set xtics 0, 0.05, 0.2
set ytics 0, 0.1, 0.5
set key at graph 0.98, 0.72 top right
plot alone using 1:5 with lines linetype 1 title "law of a strict hierarchy", \
     alone using 1:2:3:4 with yerrorbars pointtype 7 pointsize 0.4 dashtype solid linecolor rgb "#b2182b" title "stationary point"
unset multiplot
