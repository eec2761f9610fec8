# continuum.gp -- how the gap closes with K.
# reads continuum-gap.tsv
height = 5.4
load style

file = results . '/continuum-gap.tsv'
set lmargin at screen 0.14; set rmargin at screen 0.985
set tmargin at screen 0.97; set bmargin at screen 0.175
unset key
set logscale xy
set xrange [7:55]
set yrange [7e-4:0.7]
set xtics ("8" 8, "12" 12, "16" 16, "24" 24, "32" 32, "48" 48)
set ytics ("10^{−3}" 1e-3, "10^{−2}" 1e-2, "10^{−1}" 1e-1)
set xlabel 'atoms {/:Italic K}' offset 0,0.7
set ylabel '1 − bound / loss' offset 0.4
# The lines have the predicted slopes and pass through the last points; the plane's is the integral.
stats file using 4 every :::1::1 nooutput
c3 = STATS_min * 48
stats file using 4 every :::2::2 nooutput
c4 = STATS_min * 48 ** (2. / 3)
set label '{/:Italic d} = 4, slope −2/3' at 22, 0.29
set label '{/:Italic d} = 3, slope −1' at 8, 0.075
set label '{/:Italic d} = 2, slope −2' at 8, 0.0085
plot c4 * x ** (-2. / 3) with lines linetype 5, c3 / x with lines linetype 5, \
     file using 3:7 every :::0::0 with lines linetype 1, \
     '' using 3:4:5:6 every :::2::2 with yerrorbars linetype 3 dashtype solid linewidth 0.8 pointsize 0.5, \
     '' using 3:4:5:6 every :::1::1 with yerrorbars linetype 2 dashtype solid linewidth 0.8 pointsize 0.5, \
     '' using 3:4:5:6 every :::0::0 with yerrorbars linetype 1 dashtype solid linewidth 0.8 pointsize 0.45
