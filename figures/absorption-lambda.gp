# reads absorption-lambda.tsv
height = 4.2
load style

sweep = results . "/absorption-lambda.tsv"
set lmargin at screen 0.12; set rmargin at screen 0.97
set tmargin at screen 0.96; set bmargin at screen 0.225
set xlabel "penalty " . lambda offset 0,0.8
set ylabel "co-firing" offset 1,0
set logscale x
set xrange [7e-5:1.4]
set xtics ("10^{−4}" 1e-4, "10^{−3}" 1e-3, "10^{−2}" 1e-2, "10^{−1}" 1e-1, "1" 1)
set yrange [-0.05:1.05]
set ytics 0, 0.5, 1
unset key
set label 1 "activations independent" at 1.3e-4, 0.86 left
set label 2 "constant ratio" at 1.3e-4, 0.1 left
plot sweep using ($1 == 0 ? $2 : NaN):3:4:5 with yerrorbars linetype 1 pointsize 0.5 dashtype solid linewidth 0.8, \
     sweep using ($1 == 0 ? $2 : NaN):3 with lines linetype 1, \
     sweep using ($1 == 1 ? $2 : NaN):3 with linespoints linetype 2 pointsize 0.6
