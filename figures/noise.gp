# reads noise-valley.tsv
height = 5.4
load style

valley = results . "/noise-valley.tsv"
set lmargin at screen 0.15; set rmargin at screen 0.985
set tmargin at screen 0.97; set bmargin at screen 0.17
set xlabel "tilt of the child's atom towards its parent" offset 0,0.6
set ylabel "change of the loss, times 10^{4}" offset 0.6,0
set xrange [-0.63:0.43]
set yrange [-0.1:1.9]
set xtics -0.6, 0.2, 0.4
set ytics 0, 0.5, 1.5
set key at graph 0.98, 0.98 top right samplen 2.5
plot valley using 1:(1e4 * $7) with lines linetype 1 title "encoder, predicted", \
     valley using 1:(1e4 * $2):(1e4 * $3) with yerrorbars pointtype 7 pointsize 0.4 dashtype solid linecolor rgb "#b2182b" title "encoder", \
     valley using 1:(1e4 * $6) with linespoints linetype 3 title "exact codes"
