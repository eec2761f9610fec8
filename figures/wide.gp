# wide.gp -- gap to the bound against K.
# reads wide-atoms.tsv
height = 4.8
load style

file = results . '/wide-atoms.tsv'
set lmargin at screen 0.15; set rmargin at screen 0.985
set tmargin at screen 0.97; set bmargin at screen 0.2
set xlabel 'atoms {/:Italic K}' offset 0,0.7
set xrange [0.3:16.7]
set xtics 4, 4, 16
set arrow from 8, graph 0 to 8, graph 1 nohead linetype 5 linewidth 0.7
set ylabel 'loss / its bound − 1' offset 0
set logscale y
set yrange [3e-17:100]
set ytics ("10^{−16}" 1e-16, "10^{−12}" 1e-12, "10^{−8}" 1e-8, "10^{−4}" 1e-4, "1" 1)
unset key
set label 1 'with a bias' at 11, 4 left
set label 2 'no bias' at 12, 3e-14 left
set label 3 'one atom per ray' at 7.7, 2e-14 right
plot file using 2:4:5 every :::0::0 with filledcurves linecolor rgb '#c8c8c8' fillstyle solid 1, \
     '' using 2:4:5 every :::1::1 with filledcurves linecolor rgb '#eab8b8' fillstyle solid 1, \
     '' using 2:3 every :::0::0 with linespoints linetype 1 pointsize 0.45, \
     '' using 2:3 every :::1::1 with linespoints linetype 2 pointsize 0.5
