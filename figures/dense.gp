# dense.gp -- one and two atoms on a line, against lambda.
# reads dense-lambda.tsv
width = 17.8
height = 8.6
load style

file = results . '/dense-lambda.tsv'
set multiplot layout 3,3 columnsfirst margins 0.058,0.995,0.095,0.95 spacing 0.045,0.045
set logscale x
set xrange [0.017:4]
array title[3] = ['symmetric', 'skewed', 'bimodal']
do for [kind = 0:2] {
    set format x ''
    unset xlabel
    set title panel(substr('abc', kind + 1, kind + 1), title[kind + 1]) offset 0,-0.7
    if (kind == 0) { set ylabel 'bias' offset 1 } else { unset ylabel }
    set autoscale y
    set ytics 0.5
    if (kind == 2) { set ytics 1 }
    set offsets 0,0,graph 0.08,graph 0.08
    if (kind == 0) { set key top right samplen 1 } else { unset key }
    plot file using 2:6 every :::kind::kind with lines linetype 1, \
         '' using 2:4 every :::kind::kind with lines linetype 2, \
         '' using 2:5 every :::kind::kind with points linetype 1 pointsize 0.45 title 'two atoms', \
         '' using 2:3 every :::kind::kind with points linetype 2 pointsize 0.5 title 'one atom'
    unset title
    unset key
    set offsets 0,0,0,0
    if (kind == 0) { set ylabel 'share of samples' offset 1 }
    set yrange [0:1.05]
    set ytics 0.5
    plot 0.5 with lines linetype 5 linewidth 0.7, \
         file using 2:10 every :::kind::kind with lines linetype 1, \
         '' using 2:12 every :::kind::kind with lines linetype 3, \
         '' using 2:8 every :::kind::kind with lines linetype 2, \
         '' using 2:9 every :::kind::kind with points linetype 1 pointsize 0.45, \
         '' using 2:11 every :::kind::kind with points linetype 3 pointsize 0.45, \
         '' using 2:7 every :::kind::kind with points linetype 2 pointsize 0.5
    set format x '%g'
    set xlabel lambda offset 0,0.8
    if (kind == 0) { set ylabel 'loss / bound' offset 1 }
    set yrange [0.9:3.2]
    set ytics 1
    plot 1 with lines linetype 5 linewidth 0.7, \
         file using 2:14 every :::kind::kind with points linetype 1 pointsize 0.45, \
         '' using 2:13 every :::kind::kind with points linetype 2 pointsize 0.5
}
unset multiplot
