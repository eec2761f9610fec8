# reads quantisation-gap.tsv
height = 5.4
load style

data = results . "/quantisation-gap.tsv"
set lmargin at screen 0.16; set rmargin at screen 0.985
set tmargin at screen 0.97; set bmargin at screen 0.175
set logscale xy
set xrange [7:75]
set xtics (8, 16, 32, 64)
set xlabel "atoms" offset 0,0.7
set ylabel "excess over the bound" offset 0.8,0
set yrange [1e-5:1]
set format y "10^{%L}"
set key bottom left samplen 2 maxrows 1
dimension(n) = sprintf("{/:Italic d} = %d", n)
plot for [n=2:4] data using ($1 == n && $2 == 0.2 ? $3 : NaN):8:9 with filledcurves linetype n - 1 fillstyle solid 0.15 noborder, \
     for [n=2:4] data using ($1 == n && $2 == 0.2 ? $3 : NaN):4:5:6 with yerrorbars linetype n - 1 dashtype solid pointsize 0.5 title dimension(n)
