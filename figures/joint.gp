# reads joint-cloud.tsv joint-hull.tsv
height = 5.2
load style

cloud = results . "/joint-cloud.tsv"
hull = results . "/joint-hull.tsv"
set multiplot layout 1,2 margins 0.15,0.985,0.19,0.90 spacing 0.10,0
set xlabel "z̃_1 while 3 is off" offset 0,0.7
set ylabel "z̃_2 while 3 is off" offset 0,0
set xrange [-1:1.2]
set yrange [-1:1.2]
set xtics 0.5
set ytics 0.5
set key bottom left Left reverse samplen 1.5
do for [v = 0:1] {
    set title (v == 0 ? panel("a", "1 and 2 exclusive") : panel("b", "1 and 2 together")) offset 0,-0.5
    plot hull using ($1 == v ? $2 : NaN):3 with filledcurves closed linecolor rgb "#f0d0d0" notitle, \
         hull using ($1 == v ? $2 : NaN):3 with lines linecolor rgb "#b2182b" dashtype solid linewidth 1.5 title (v == 0 ? "facets" : ""), \
         cloud using ($1 == v ? $2 : NaN):3 with points pointtype 7 pointsize 0.15 linecolor rgb "#606060", \
         "+" using (0):(0) every ::0::0 with points pointtype 2 pointsize 0.9 linewidth 2 linecolor rgb "#000000" \
             title (v == 0 ? "({/:Italic h}_{13}, {/:Italic h}_{23})" : "")
    unset ylabel
}
unset multiplot
