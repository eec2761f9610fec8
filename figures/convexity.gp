# reads convexity-segments.tsv
height = 5
load style

segments = results . "/convexity-segments.tsv"
set multiplot layout 1,2 margins 0.175,0.985,0.20,0.90 spacing 0.13,0
set xlabel "position {/:Italic t}" offset 0,0.7
set xtics 0.5
set xzeroaxis linetype 5 linewidth 0.8
set ylabel "relative excess over the chord" offset -0.3,0
set title panel("a", "{/:Italic G}, two {/:Italic Q}") offset 0,-0.5
set key bottom left Left reverse
set offsets 0, 0, 0, 0.045
plot for [b = 0:1] segments using 3:($1 == b && $5 == 0 ? $4 : NaN) with lines linetype 1 + b \
    title (b == 0 ? "no bias" : "free bias")
unset ylabel
set title panel("b", "loss, two ({/:Italic D}, {/:Italic Z})") offset 0,-0.5
plot segments using 3:($5 == 1 ? $4 : NaN) with lines linetype 2
unset multiplot
