# reads ways-gap.tsv
height = 4.8
load style

data = results . "/ways-gap.tsv"
set lmargin at screen 0.15; set rmargin at screen 0.985
set tmargin at screen 0.97; set bmargin at screen 0.19
set xlabel "atoms, for a parent with four children" offset 0,0.7
set ylabel "gap to the wide bound" offset 0.6,0
set xrange [0.7:7.3]
set xtics 1, 1, 7
set logscale y
set yrange [3e-17:20]
set ytics ("1" 1, "10^{-4}" 1e-4, "10^{-8}" 1e-8, "10^{-12}" 1e-12, "10^{-16}" 1e-16)
unset key
set label 1 "never alone: split" at 3.4, 1e-11 right
set label 2 "also alone: absorbed" at 5.15, 1e-11 left
set label 3 "children not exclusive" at 4.75, 6e-3 left
plot data using ($1 == 1 ? $2 : NaN):3 with linespoints linetype 2 pointsize 0.6, \
     data using ($1 == 0 ? $2 : NaN):3 with linespoints linetype 1 pointsize 0.5, \
     data using ($1 == 2 ? $2 : NaN):3 with linespoints linetype 3 pointsize 0.5
