# reads partner-pull.tsv partner-rates.tsv
height = 4.6
width = 17.8
load style

pull = results . "/partner-pull.tsv"
rates = results . "/partner-rates.tsv"
set multiplot
set tmargin at screen 0.87; set bmargin at screen 0.21

set title panel("a", "what the other samples leave of a feature") offset 0,-0.6
set lmargin at screen 0.075; set rmargin at screen 0.475
set xlabel "share of the samples on which it fires" offset 0,0.7
set ylabel "mean of −{/:Italic r}·{/:Italic d} over " . lambda . "/2" offset 1.2,0
set xrange [0:1]
set yrange [0:4]
set xtics 0.25
set ytics 1
set arrow 1 from 0.5,0 to 0.5,1 nohead linetype 5
set arrow 2 from 0,1 to 0.5,1 nohead linetype 5
set label 1 "beyond 1 a partner pays" at 0.04,1.25
set key at graph 0.6, 0.98 Left reverse
plot x / (1 - x) with lines linetype 1 title "predicted", \
     pull using 1:2 with points pointtype 6 pointsize 0.3 linecolor rgb "#2166ac" title "feature of an optimum"
unset arrow
unset label

set title panel("b", "when every dense feature has its partner") offset 0,-0.6
set lmargin at screen 0.58; set rmargin at screen 0.985
set xlabel "largest rate before" offset 0,0.7
set ylabel "largest rate after" offset 1.2,0
set xrange [0:1]
set yrange [0:1.05]
set ytics 0.5
set arrow 1 from 0,0.5 to 1,0.5 nohead linetype 5
set key at graph 0.55, 0.98 Left reverse
plot rates using ($4 == 1 ? $1 : NaN):2 with points pointtype 7 pointsize 0.35 linecolor rgb "#000000" title "bias free", \
     rates using ($4 == 0 ? $1 : NaN):2 with points pointtype 8 pointsize 0.5 linecolor rgb "#b2182b" title "no bias"
unset multiplot
