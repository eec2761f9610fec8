# reads absorption-codes.tsv
height = 5.2
load style

codes = results . "/absorption-codes.tsv"
set multiplot
unset colorbox
set border 15 linewidth 0.6 linecolor rgb "#404040"
set tics scale 0
# Samples from left to right, features from top to bottom.
set cbrange [0:1.7]
set xrange [-0.5:119.5]
set yrange [3.5:-0.5]
set format x ""
unset xtics
set ytics ("dog" 0, "labrador" 1, "poodle" 2, "cat" 3)
set lmargin at screen 0.15; set rmargin at screen 0.985
set title panel("a", "true") offset 0,-0.9
set tmargin at screen 0.925; set bmargin at screen 0.705
plot codes using 1:2:3 with image pixels
set title panel("b", "learned, free")
set tmargin at screen 0.605; set bmargin at screen 0.385
plot codes using 1:2:4 with image pixels
set title panel("c", "learned, locked")
set label 1 "samples, sorted by who fires" at screen 0.567, 0.022 center
set tmargin at screen 0.285; set bmargin at screen 0.065
plot codes using 1:2:5 with image pixels
unset multiplot
