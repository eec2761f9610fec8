# continuum-circle.gp -- the constant in the plane.
# reads continuum-lambda.tsv
height = 5.4
load style

set lmargin at screen 0.12; set rmargin at screen 0.985
set tmargin at screen 0.97; set bmargin at screen 0.175
set xrange [0:2]
set yrange [0:5]
set xtics 0, 0.5, 2
set ytics 0, 1, 5
set xlabel 'penalty ' . lambda offset 0,0.7
set ylabel '{/:Italic K}^{ 2} (loss / bound − 1)' offset 1
unset key
set label 1 'nearest atom only' at 0.75, 4.3 left
set label 2 'two neighbours; points: learned' at 0.12, 1.0 left
plot (2 - x) * pi ** 2 / 6 with lines linetype 1, \
     (1 - x / 2) * pi ** 2 / 3 / (x - x ** 2 / 4) with lines linetype 2, \
     results . '/continuum-lambda.tsv' using 1:2 with points linetype 1 pointsize 0.6
