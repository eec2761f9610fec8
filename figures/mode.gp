# reads mode-bias.tsv mode-gain.tsv
height = 9
load style

bias = results . "/mode-bias.tsv"
gain = results . "/mode-gain.tsv"
set multiplot
set lmargin at screen 0.155; set rmargin at screen 0.985

set title panel("a", "where the bias sits") offset 0,-0.6
set tmargin at screen 0.945; set bmargin at screen 0.605
set xlabel "half-width: root of the price, or " . lambda . "/2" offset 0,0.7
set ylabel "bias" offset 0.8,0
set xrange [0:0.9]
set yrange [-1.1:-0.1]
set xtics 0.2
set ytics 0.2
set key at graph 0.98, 0.53 center right Left reverse maxrows 3 width 0
plot -1 with lines linetype 5 title "mode", \
     bias using 1:4 with lines linetype 1 title "predicted, L0", \
     bias using 1:7 with lines linetype 2 title "predicted, L1", \
     bias using 1:2:3 with yerrorbars pointtype 7 pointsize 0.45 dashtype solid linecolor rgb "#000000" title "drawn, L0", \
     bias using 1:5:6 with yerrorbars pointtype 9 pointsize 0.5 dashtype solid linecolor rgb "#b2182b" title "drawn, L1"

set title panel("b", "what the pair gains")
set tmargin at screen 0.44; set bmargin at screen 0.105
set xlabel "price of a code, or " . lambda offset 0,0.7
set ylabel "loss saved" offset 0.3,0
set xrange [7e-5:0.15]
set yrange [2e-7:20]
set logscale xy
set xtics ("0.0001" 0.0001, "0.001" 0.001, "0.01" 0.01, "0.1" 0.1)
set ytics ("10^{-6}" 1e-6, "10^{-4}" 1e-4, "10^{-2}" 1e-2, "1" 1)
set key at graph 0.02, 0.99 top left Left reverse
plot gain using 1:3 with lines linetype 1 title "predicted for small prices, L0", \
     gain using 1:2 with points pointtype 7 pointsize 0.5 linecolor rgb "#000000" title "L0", \
     gain using 1:4 with points pointtype 9 pointsize 0.55 linecolor rgb "#b2182b" title "L1"
unset multiplot
