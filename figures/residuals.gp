# reads residuals-cloud.tsv residuals-hull.tsv
height = 5.8
load style

cloud = results . "/residuals-cloud.tsv"
hull = results . "/residuals-hull.tsv"
# lambda/2 times atom 1: the line r.d = lambda/2 goes through it, at a right angle to it.
foot(c) = real(system(sprintf("awk '!/^#/ && $1 == 3 {print $%d}' '%s'", c, cloud)))
fx = foot(2); fy = foot(3)
along(y) = fx - (y - fy) * fy / fx
set xlabel "{/:Italic r}_1" offset 0,0.8
set ylabel "{/:Italic r}_2" offset 0.5,0
set size ratio -1
set lmargin at screen 0.14; set rmargin at screen 0.70
set tmargin at screen 0.97; set bmargin at screen 0.155
set xrange [-0.7:0.36]
set yrange [-0.7:0.38]
set xtics -0.6, 0.2, 0.2
set ytics -0.6, 0.2, 0.2
set key at screen 1.0, 0.80 top right Left reverse samplen 1.2 spacing 1.3
set label 1 "{/:Italic r} · {/:Italic d}_1 = " . lambda . " / 2" at along(0.3) + 0.04, 0.3 left
set arrow 1 from along(-0.7), -0.7 to along(0.38), 0.38 nohead linetype 2 back
plot hull using 1:2 with filledcurves closed linecolor rgb "#f0d0d0" fillstyle solid 1 notitle, \
     hull using 1:2 with lines linecolor rgb "#b2182b" dashtype solid linewidth 1.5 title "hull, atom 1 off", \
     cloud using ($1 == 0 ? $2 : NaN):3 with points pointtype 7 pointsize 0.2 linecolor rgb "#2166ac" title "atom 1 off", \
     cloud using ($1 == 1 ? $2 : NaN):3 with points pointtype 4 pointsize 0.35 linecolor rgb "#000000" title "atom 1 on", \
     cloud using ($1 == 2 ? $2 : NaN):3 with points pointtype 2 pointsize 1 linewidth 2.5 linecolor rgb "#000000" \
         title "−(2/" . lambda . ") {/:Italic C_r d}_1"
