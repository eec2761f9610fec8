# reads arbitrate-table.tsv
width = 17.8
height = 7
load style
file = results."/arbitrate-table.tsv"
set multiplot
set tmargin at screen 0.91; set bmargin at screen 0.15
set yrange [13.6:-0.6] noreverse
set xtics 0,0.2,1
unset key
set style fill solid noborder
# Column 1: design, 2: start, 3: measure, 4, 5: predicted, 6, 7: measured and its error.
low(x) = x < -0.1 ? -0.1 : x
half = 0.18
y(d, start) = d + (start ? 0.2 : -0.2)
set ytics ("L1" 0, "tanh" 1, "p-annealing" 2, "TopK 6" 3, "BatchTopK 1.5" 4, "BatchTopK 0.9" 5, "JumpReLU" 6, \
    "Gated" 7, "Matryoshka" 8, "Matryoshka L1" 9, "OrtSAE L1" 10, "levels" 11, "tree max" 12, "levels, fading" 13)
set xrange [-0.1:1]
set lmargin at screen 0.12; set rmargin at screen 0.54
set title panel("a", "angle of child and parent") offset 0,-0.6
set xlabel "cosine" offset 0,0.5
plot for [s=0:1] file using ($2 == s && $3 == 1 && $8 >= 0 ? $6 : NaN):(y($1,s)):(low($4)):5:(y($1,s)-half):(y($1,s)+half) \
         with boxxyerror linecolor rgb "#c9d6ea", \
     file using ($2 == 0 && $3 == 1 ? $6 : NaN):(y($1,0)):7 with xerrorbars linetype 1 pointsize 0.4, \
     file using ($2 == 1 && $3 == 1 ? $6 : NaN):(y($1,1)):7 \
         with xerrorbars linetype 2 dashtype solid pointtype 6 pointsize 0.5
set ytics (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13) format ""
set xrange [-0.05:1.02]
set lmargin at screen 0.57; set rmargin at screen 0.985
set title panel("b", "parent off where the child is on") offset 0,-0.6
set xlabel "share" offset 0,0.5
plot for [s=0:1] file using ($2 == s && $3 == 0 && $8 >= 0 ? $6 : NaN):(y($1,s)):(low($4)):5:(y($1,s)-half):(y($1,s)+half) \
         with boxxyerror linecolor rgb "#c9d6ea", \
     file using ($2 == 0 && $3 == 0 ? $6 : NaN):(y($1,0)):7 with xerrorbars linetype 1 pointsize 0.4, \
     file using ($2 == 1 && $3 == 0 ? $6 : NaN):(y($1,1)):7 \
         with xerrorbars linetype 2 dashtype solid pointtype 6 pointsize 0.5
unset multiplot
