# reads necessity-margins.tsv necessity-angles.tsv
width = 17.8
height = 5.6
load style

margins = results . "/necessity-margins.tsv"
angles = results . "/necessity-angles.tsv"
# Rows of the margins: at the optima (0) or turned (1), pairs (0) or K features (1); of the rates: bias, full.
margin(t, f) = sprintf('< awk ''!/^#/ && $1 == %d && $2 == %d {print $4}'' %s', t, f, margins)
rate(b, f) = sprintf('< awk ''!/^#/ && NF && $1 == %d && $2 == %d'' %s', b, f, angles)

set multiplot layout 1,2 margins 0.085,0.985,0.185,0.915 spacing 0.11,0
set title panel("a", "margins") offset 0,-0.6
set xlabel "margin (inside the hull: positive)" offset 0,0.7
set ylabel "share of conditions below" offset 0.8,0
set xrange [-2:2]
set yrange [0:1]
set xtics 1
set ytics 0.25
set key top left Left reverse
set arrow 1 from 0, graph 0 to 0, graph 1 nohead linecolor rgb "#a0a0a0" linewidth 0.8 back
plot margin(0, 0) using 1:(1) smooth cnormal linetype 1 title "optima, pairs", \
     margin(0, 1) using 1:(1) smooth cnormal linetype 5 title "optima, {/:Italic K} features", \
     margin(1, 0) using 1:(1) smooth cnormal linetype 2 title "turned, pairs", \
     margin(1, 1) using 1:(1) smooth cnormal linetype 3 title "turned, {/:Italic K} features"

unset arrow 1
set title panel("b", "violations")
set xlabel "turn of every atom (degrees)" offset 0,0.7
set ylabel "share of problems that violate"
set logscale x
set xrange [0.07:130]
set yrange [-0.03:1]
set xtics ("0.1" 0.1, "0.3" 0.3, "1" 1, "3" 3, "10" 10, "30" 30, "90" 90)
plot rate(1, 1) using ($3*1.06):5:6:7 with yerrorlines linetype 3 title "{/:Italic K} features, bias", \
     rate(1, 0) using ($3*1.02):5:6:7 with yerrorlines linetype 2 title "pairs, bias", \
     rate(0, 1) using ($3*0.98):5:6:7 with yerrorlines linetype 5 title "{/:Italic K} features, no bias", \
     rate(0, 0) using ($3*0.94):5:6:7 with yerrorlines linetype 1 title "pairs, no bias"
unset multiplot
