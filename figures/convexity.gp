# reads convexity-segments.tsv
height = 5
load style

segments = results . "/convexity-segments.tsv"
set multiplot layout 1,2 margins 0.14,0.985,0.19,0.91 spacing 0.15,0
set xlabel "position {/:Italic t}" offset 0,0.7
set xrange [0:1]
set xtics 0, 0.5, 1
set ytics 0.05
set xzeroaxis linetype 5 linewidth 0.8
set ylabel "relative excess over the chord" offset 0.4,0
set title panel("a", "{/:Italic G}, two {/:Italic Q}") offset 0,-0.6
set key bottom left Left reverse
set offsets 0, 0, graph 0.02, graph 0.2
plot for [b = 0:1] segments using 3:($1 == b && $5 == 0 ? $4 : NaN) with lines linetype 1 + b \
    title (b == 0 ? "no bias" : "with a bias")
unset ylabel
unset key
set offsets 0, 0, graph 0.02, graph 0.02
set title panel("b", "loss, two ({/:Italic D}, {/:Italic Z})")
plot segments using 3:($5 == 1 ? $4 : NaN) with lines linetype 2
unset multiplot
