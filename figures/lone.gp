# reads lone-path.tsv
height = 5
load style

data = results . "/lone-path.tsv"
set lmargin at screen 0.145; set rmargin at screen 0.985
set tmargin at screen 0.96; set bmargin at screen 0.19
set logscale x
set xrange [0.08:12]
set xtics (0.1, 0.3, 1, 3, 10)
set xlabel "lone firings of the child over " . lambda . " times the joint ones" offset 0,0.7
set ylabel "cosine of its atom with the child" offset 1.2,0
set yrange [0.38:1.03]
set ytics 0.2
set key at graph 0.99, 0.55 right samplen 2
setups = "1 3 5 6"
names = "'equal, 90°' 'equal, 60°' 'parent ½, 90°' 'parent 2, 90°'"
plot for [n=1:4] data using ($1 == int(word(setups, n)) ? $2 : NaN):5 with lines linetype n title word(names, n), \
     for [n=1:4] data using ($1 == int(word(setups, n)) ? $2 : NaN):4 with points linetype n pointsize 0.5
