# reads matryoshka-prefix.tsv matryoshka-hedge.tsv
height = 9.2
load style

prefix = results . "/matryoshka-prefix.tsv"
hedge = results . "/matryoshka-hedge.tsv"
set multiplot
set lmargin at screen 0.135; set rmargin at screen 0.985

set title panel("a", "absorption and hedging balance") offset 0,-0.6
set tmargin at screen 0.945; set bmargin at screen 0.605
set xlabel "weight of the prefix" offset 0,0.7
set ylabel "cosine" offset 0.8,0
set logscale x
set xrange [0.035:1.1]
set xtics (0.05, 0.1, 0.2, 0.5, 1)
set yrange [-0.16:0.45]
set ytics -0.1, 0.1, 0.4
set key at graph 0.98, 0.98 top right samplen 2.5
plot prefix using ($1 > 0.01 ? $2 : NaN):6 with lines linetype 3, \
     prefix using ($1 > 0.01 ? $2 : NaN):7 with lines linetype 1, \
     prefix using ($1 > 0.01 ? $2 : NaN):8 with lines linetype 2, \
     prefix every 4 using ($1 > 0.01 ? $2 : NaN):3 with linespoints linetype 3 title "child's atom and parent's", \
     prefix every 4 using ($1 > 0.01 ? $2 : NaN):4 with linespoints linetype 1 title "child's atom and true parent", \
     prefix every 4 using ($1 > 0.01 ? $2 : NaN):5 with linespoints linetype 2 title "parent's atom along a child", \
     0 with lines linetype 5
unset logscale x

set title panel("b", "hedging without a penalty") offset 0,-0.6
set tmargin at screen 0.44; set bmargin at screen 0.105
set xrange [0:2.05]
set xtics 0, 0.5, 2
set ylabel "ratio, or cosine" offset 0.8,0
set yrange [-0.3:0.62]
set ytics -0.2, 0.2, 0.6
set key at graph 0.02, 0.98 top left Left reverse
plot for [n = 1:3] hedge using ($1 == n ? $2 : NaN):4 with lines linetype n, \
     for [n = 1:3] hedge using ($1 == n ? $2 : NaN):3 with linespoints linetype n title n == 1 ? "one child" : n == 2 ? "two children" : "three", \
     for [n = 1:3] hedge using ($1 == n ? $2 : NaN):5 with linespoints linetype n, \
     0 with lines linetype 5
unset multiplot
