# continuum.gp -- how the gap closes with K, and the constant in the plane.
# reads continuum-gap.tsv continuum-lambda.tsv
width = 17.8
height = 5.2
load style

set multiplot layout 1,2 margins 0.07,0.99,0.185,0.915 spacing 0.09
file = results . '/continuum-gap.tsv'
set logscale xy
set xrange [7:55]
set yrange [7e-4:0.7]
set xtics (8, 12, 16, 24, 32, 48)
set format y '10^{%T}'
set xlabel 'atoms {/:Italic K}' offset 0,0.7
set ylabel '1 − bound / loss' offset 0.8
set title panel('a', 'gap to the bound') offset 0,-0.7
# The lines have the predicted slopes and pass through the last points; the plane's is the integral.
stats file using 4 every :::1::1 nooutput
c3 = STATS_min * 48
stats file using 4 every :::2::2 nooutput
c4 = STATS_min * 48 ** (2. / 3)
set label '{/:Italic d} = 4, slope −2/3' at 26, 0.27
set label '{/:Italic d} = 3, slope −1' at 8.3, 0.08
set label '{/:Italic d} = 2, slope −2' at 8.3, 0.0065
plot c4 * x ** (-2. / 3) with lines linetype 5, c3 / x with lines linetype 5, \
     file using 3:7 every :::0::0 with lines linetype 1, \
     '' using 3:4:5:6 every :::2::2 with yerrorbars linetype 3 pointsize 0.5, \
     '' using 3:4:5:6 every :::1::1 with yerrorbars linetype 2 pointsize 0.5, \
     '' using 3:4:5:6 every :::0::0 with yerrorbars linetype 1 pointsize 0.45
unset logscale
unset label
set title panel('b', 'the constant in the plane')
set format y '%g'
set xrange [0:2]
set yrange [0:5]
set xtics 0.5
set xlabel lambda offset 0,0.7
set ylabel '{/:Italic K}^{ 2} (loss / bound − 1)' offset 0.2
set key top right
plot (2 - x) * pi ** 2 / 6 with lines linetype 1 title 'two neighbours', \
     (1 - x / 2) * pi ** 2 / 3 / (x - x ** 2 / 4) with lines linetype 2 title 'nearest only', \
     results . '/continuum-lambda.tsv' using 1:2 with points linetype 1 pointsize 0.6 title 'learned, {/:Italic K} = 16'
unset multiplot
