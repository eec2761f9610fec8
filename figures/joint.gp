# reads joint-cloud.tsv joint-hull.tsv
height = 4.7
load style

cloud = results . "/joint-cloud.tsv"
hull = results . "/joint-hull.tsv"
set multiplot layout 1,2 margins 0.115,0.985,0.19,0.91 spacing 0.09,0
set xlabel "z̃_1 while 3 is off" offset 0,0.7
set ylabel "z̃_2 while 3 is off" offset 0.8,0
set xrange [-1:1.2]
set yrange [-1:1.2]
set xtics -1, 1, 1
set ytics -1, 1, 1
unset key
set style textbox 3 opaque noborder fillcolor rgb "#f0d0d0" margins 0.5, 0.5
do for [v = 0:1] {
    set title (v == 0 ? panel("a", "1 and 2 exclusive") : panel("b", "1 and 2 together")) offset 0,-0.6
    if (v == 0) { set label 1 "fail" at -0.12, -0.2 right font ",9" front } else { set label 1 "pass" at 0.14, 0.01 left font ",9" front boxed bs 3 }
    plot hull using ($1 == v ? $2 : NaN):3 with filledcurves closed linecolor rgb "#f0d0d0" fillstyle solid 1, \
         hull using ($1 == v ? $2 : NaN):3 with lines linecolor rgb "#b2182b" dashtype solid linewidth 1.5, \
         cloud using ($1 == v ? $2 : NaN):3 with points pointtype 7 pointsize 0.15 linecolor rgb "#2166ac", \
         "+" using (0):(0) every ::0::0 with points pointtype (v == 0 ? 2 : 7) pointsize (v == 0 ? 1.2 : 0.8) linewidth 2.2 linecolor rgb "#000000"
    unset ylabel
}
unset multiplot
