# dense.gp -- one atom and two on a line, symmetric data, against lambda.
# reads dense-lambda.tsv
height = 6.4
load style

file = results . '/dense-lambda.tsv'
set multiplot
set lmargin at screen 0.12; set rmargin at screen 0.985
unset key
set logscale x
set xrange [0.017:4]
set xtics ("" 0.02, "" 0.05, "" 0.1, "" 0.2, "" 0.5, "" 1, "" 2)
set tmargin at screen 0.935; set bmargin at screen 0.565
set title panel('a', 'how often an atom fires') offset 0,-0.6
set ylabel 'share of samples' offset 1
set yrange [0:1.05]
set ytics 0, 0.5, 1
set label 1 'the only atom' at 0.1, 0.97 left
set label 2 'either of two' at 0.021, 0.36 left
plot 0.5 with lines linetype 5 linewidth 0.7, \
     file using 2:8 every :::0::0 with lines linetype 2, \
     file using 2:10 every :::0::0 with lines linetype 1, \
     file using 2:12 every :::0::0 with lines linetype 3, \
     file using 2:7 every :::0::0 with points linetype 2 pointsize 0.5, \
     file using 2:9 every :::0::0 with points linetype 1 pointsize 0.45, \
     file using 2:11 every :::0::0 with points linetype 3 pointsize 0.45
set tmargin at screen 0.47; set bmargin at screen 0.145
set title panel('b', 'loss')
set xtics ("0.02" 0.02, "0.05" 0.05, "0.1" 0.1, "0.2" 0.2, "0.5" 0.5, "1" 1, "2" 2)
set xlabel 'penalty ' . lambda offset 0,0.7
set ylabel 'loss / bound' offset 1
set yrange [0.9:2.75]
set ytics 1, 0.5, 2.5
set label 1 'one atom' at 0.085, 2.4 left
set label 2 'two atoms' at 0.021, 1.25 left
plot 1 with lines linetype 5 linewidth 0.7, \
     file using 2:13 every :::0::0 with points linetype 2 pointsize 0.5, \
     file using 2:14 every :::0::0 with points linetype 1 pointsize 0.45
unset multiplot
