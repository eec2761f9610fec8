# reads phases-short.tsv phases-angle.tsv phases-curves.tsv siblings-grid.tsv siblings-curve.tsv depth3-grid.tsv depth3-curve.tsv depth3-angle.tsv depth3-merging.tsv
# Kinds of global optimum, found (markers) and predicted (lines), for a parent with two children and in a
# tree of depth 3.
width = 17.8
height = 6.6
load style
set multiplot layout 1, 5 margins 0.05, 0.995, 0.14, 0.65 spacing 0.062
curves = results . '/phases-curves.tsv'
absorbed = 'points linecolor rgb "#000000" pointtype 7 pointsize 0.35'
other = 'points linecolor rgb "#707070" pointtype 6 pointsize 0.4'
# The keys stand above the panels, their first lines at one height.
set key at graph -0.15, 1.51 left top Left reverse samplen 1.2 spacing 1.0
set logscale xy
set xtics (0.02, 0.05, 0.1, 0.4)
set xlabel "child frequency {/:Italic q}" offset 0, 0.6
set ylabel "penalty " . lambda offset 1
set format y "10^{%T}"
set ytics 10
set xrange [0.017:0.53]
set yrange [0.0007:0.8]
set label 1 panel("a", "exclusive, {/:Italic K} = 2") at graph 0.5, 1.60 center
plot results . '/phases-short.tsv' using 1:($4 == 2 ? $2 : NaN) with @absorbed title "absorbed, one missed", \
     '' using 1:($4 == 4 ? $2 : NaN) with @other title "split", \
     curves using 1:($2 < 0.7 ? $2 : NaN) with lines linetype 1 title "predicted", \
     curves using 1:($1 < 0.24 ? $3 : NaN) with lines linetype 2 title "2(1+√2){/:Italic q}^{ 2}"

unset logscale y
set format y "%g"
set ytics -0.2, 0.2, 0.6
set ylabel "cosine of the children " . rho offset 1
set yrange [-0.35:0.75]
set label 1 panel("b", "exclusive, {/:Italic K} = 2")
plot results . '/phases-angle.tsv' using 1:($4 == 3 ? $3 : NaN) with @absorbed title "absorbed, merged", \
     '' using 1:($4 == 4 ? $3 : NaN) with @other title "split", \
     curves using 1:($4 < 0.7 ? $4 : NaN) with lines linetype 1 title "predicted " . rho . "*"

set logscale y
set format y "10^{%T}"
set ytics 10
set ylabel "penalty " . lambda offset 1
set xrange [0.04:0.53]
set yrange [0.0007:0.8]
set label 1 panel("c", "independent, {/:Italic K} = 3")
plot results . '/siblings-grid.tsv' using 1:($3 == 1 ? $2 : NaN) with @absorbed title "absorbed", \
     '' using 1:($3 == 5 ? $2 : NaN) with @other title "mixed", \
     results . '/siblings-curve.tsv' using 1:2 with lines linetype 1 title "predicted", \
     '' using 1:3 with lines linetype 2 title "(8+4√2){/:Italic q} / 9"

set xlabel "child frequency {/:Italic r}" offset 0, 0.6
set xrange [0.04:0.37]
set xtics (0.05, 0.1, 0.2, 0.3)
set yrange [0.002:0.8]
set label 1 panel("d", "depth 3, {/:Italic K} = 6")
plot results . '/depth3-grid.tsv' using 2:($1 == 6 && $5 == 1 && $6 == 1 ? $4 : NaN) with @absorbed \
         title "one missed", \
     '' using 2:($1 == 6 && $5 == 2 && $6 == 1 ? $4 : NaN) with @other title "split or mixed", \
     results . '/depth3-curve.tsv' using 1:2 with lines linetype 1 title "predicted"

unset logscale y
set format y "%g"
set ytics -0.2, 0.2, 0.6
set ylabel "cosine of siblings " . rho offset 1
set yrange [-0.35:0.85]
set label 1 panel("e", "depth 3, {/:Italic K} = 6")
plot results . '/depth3-angle.tsv' using 2:($1 == 6 && $5 == 3 && $6 == 1 ? $3 : NaN) with @absorbed \
         title "one merged", \
     '' using 2:($1 == 6 && ($5 == 2 && $6 == 1 || $7 == 1) ? $3 : NaN) with @other title "split or mixed", \
     results . '/depth3-merging.tsv' using 1:2 with lines linetype 1 title "predicted"
unset multiplot
