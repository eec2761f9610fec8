# style.gp -- what all figures share.  A figure NAME.gp begins with
#
#     # reads PROGRAM-TABLE.tsv ...      (what it depends on; the Makefile reads this line)
#     height = 5                         (cm; optional)
#     width = 17.8                       (cm; for a figure across both columns)
#     load style
#
# and plots files of the directory `results`.  The Makefile sets style, results and out, and makes
# the SVG of the PDF, with its text as outlines.  Lines differ in dash and darkness, points in
# shape, areas in their names, so that everything can be told apart in grey.
#
# Two versions of gnuplot draw the same if every axis of every panel gets its range and its tics
# anew, as a list or as start, step, end (what an earlier panel said is otherwise kept by one and
# dropped by the other), and if error bars are solid and points clear no box around them, in which a
# short bar would vanish.

if (!exists("width")) width = 8.6 # cm, \columnwidth of paper.tex
if (!exists("height")) height = 5

# Font sizes are points on the printed page: gnuplot's own are 4/3 too large at fontscale 1.
set terminal pdfcairo enhanced size width cm, height cm font "Latin Modern Roman,8" fontscale 0.75 dashlength 0.7 \
    background "#ffffff"
set output out
set encoding utf8
set minussign

set linetype 1 linecolor rgb "#000000" linewidth 1.4 dashtype solid       pointtype 7  pointsize 0.35
set linetype 2 linecolor rgb "#b2182b" linewidth 1.4 dashtype (8,4)       pointtype 9  pointsize 0.45
set linetype 3 linecolor rgb "#2166ac" linewidth 1.4 dashtype (2,3)       pointtype 4  pointsize 0.40
set linetype 4 linecolor rgb "#d08020" linewidth 1.4 dashtype (10,3,2,3)  pointtype 11 pointsize 0.45
set linetype 5 linecolor rgb "#808080" linewidth 1.4 dashtype (14,4)      pointtype 6  pointsize 0.40
set linetype 6 linecolor rgb "#5aae61" linewidth 1.4 dashtype (10,3,2,3,2,3) pointtype 13 pointsize 0.50
set linetype cycle 6
# Fills from black to light; for maps, dark is more.
set palette defined (0 "#ffffff", 0.5 "#8c96c6", 1 "#3f007d")
# Areas: where a condition fails, and a second one, lighter also in grey.
red = "#f2c6c6"
blue = "#e4eff8"

set border 3 linewidth 0.6 linecolor rgb "#404040"
set tics nomirror scale 0.5
set pointintervalbox 0.001 # (0 would be the default)
set key samplen 2.5 spacing 1.1 noautotitle
set datafile separator "\t"
set style fill solid 0.35 noborder

# A name on an area, over its points: set label 'merged' at 0.1, 0.3 front boxed bs 1 (red area; 2, blue)
set style textbox 1 opaque noborder fillcolor rgb red margins 0.5, 0.5
set style textbox 2 opaque noborder fillcolor rgb blue margins 0.5, 0.5

# The title of a panel: set title panel('a', 'what it shows')
panel(letter, text) = sprintf('{/:Bold %s}  %s', letter, text)

# Greek is not in Latin Modern Roman; in enhanced text: set xlabel "loss at " . lambda
lambda = '{/"Latin Modern Math" 𝜆}'
alpha = '{/"Latin Modern Math" 𝛼}'
rho = '{/"Latin Modern Math" 𝜌}'
theta = '{/"Latin Modern Math" 𝜃}'
epsilon = '{/"Latin Modern Math" 𝜖}'
infinite = '{/"Latin Modern Math" ∞}'
atmost = '{/"Latin Modern Math" ≤}'
Delta = '{/"Latin Modern Math" Δ}'
