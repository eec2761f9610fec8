# reads distinct-pairs.tsv
height = 5.4
load style

pairs = results . "/distinct-pairs.tsv"
set lmargin at screen 0.13; set rmargin at screen 0.985
set tmargin at screen 0.74; set bmargin at screen 0.17
set xlabel "cosine of two atoms that fire together" offset 0,0.7
set ylabel "residual over " . lambda . "/2" offset 1.0,0
set xrange [-1:1]
set xtics 0.5
set yrange [0:6]
set ytics 2
set key at screen 0.985, 0.985 right top spacing 1.1
plot pairs using 1:2 with points pointtype 6 pointsize 0.25 linecolor rgb "#2166ac" title "sample of an optimum", \
     sqrt(2 / (1 + x)) with lines linetype 1 title "bound", \
     1 with lines linetype 2 title "the wide optimum"
