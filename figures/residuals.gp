# reads residuals-cloud.tsv residuals-hull.tsv
height = 6.2
load style

cloud = results . "/residuals-cloud.tsv"
hull = results . "/residuals-hull.tsv"
set xlabel "{/:Italic r}_1" offset 0,0.9
set ylabel "{/:Italic r}_2" offset -0.5,0
set size ratio -1
set bmargin 2
set xtics offset 0,0.3
set xtics 0.2
set ytics 0.2
set offsets 0.04, 0.04, 0.04, 0.04
set key outside top center maxrows 2 Left reverse samplen 1.5 font ",8"
plot hull using 1:2 with filledcurves closed linecolor rgb "#f0d0d0" fillstyle solid 1 notitle, \
     hull using 1:2 with lines linecolor rgb "#b2182b" dashtype solid linewidth 1.5 title "hull, atom 1 off", \
     cloud using ($1 == 0 ? $2 : NaN):3 with points pointtype 7 pointsize 0.2 linecolor rgb "#606060" title "atom 1 off", \
     cloud using ($1 == 1 ? $2 : NaN):3 with points pointtype 4 pointsize 0.35 linecolor rgb "#2166ac" title "atom 1 on", \
     cloud using ($1 == 2 ? $2 : NaN):3 with points pointtype 2 pointsize 1 linewidth 2.5 linecolor rgb "#000000" \
         title "−(2/" . lambda . ") {/:Italic C_r d}_1"
