# reads exclusion-never.tsv
height = 5
load style

never = results . "/exclusion-never.tsv"
set lmargin at screen 0.115; set rmargin at screen 0.985
set tmargin at screen 0.97; set bmargin at screen 0.19
set xlabel "cosine {/:Italic h} of the two atoms" offset 0,0.7
set ylabel "spread {/:Italic s} of the activations" offset 0.8,0
set xrange [-0.95:0.95]
set yrange [0:1]
set xtics -0.5, 0.5, 0.5
set ytics 0, 0.2, 1
unset key
set label 1 "leaves" at 0.6, 0.35 center front boxed bs 1
set label 2 "stays" at -0.6, 0.65 center front boxed bs 3
set style textbox 3 opaque noborder fillcolor rgb "#ffffff" margins 0.5, 0.5
plot (1 + x) / 2 with filledcurves y1=0 linecolor rgb red fillstyle solid 1, \
     (1 + x) / 2 with lines linetype 1, \
     never using ($4 == 1 ? $1 : NaN):2 with points pointtype 7 pointsize 0.25 linecolor rgb "#2166ac", \
     never using ($4 == 0 ? $1 : NaN):2 with points pointtype 2 pointsize 0.4 linewidth 1 linecolor rgb "#b2182b"
