# reads panels-scatter.tsv panels-hulls.tsv
width = 17.8
height = 6.4
load style

scatter = results . "/panels-scatter.tsv"
hulls = results . "/panels-hulls.tsv"
# Column c of panel p in the table of hulls.
hull(p, c) = real(system(sprintf("awk '!/^#/ && $1 == %d {print $%d}' '%s'", p, c, hulls)))
lesser(x, y) = x < y ? x : y
inside(h, low, high) = lesser(h - low, high - h) # signed distance to the nearer end
margin(p) = lesser(inside(hull(p, 2), hull(p, 3), hull(p, 4)), inside(hull(p, 2), hull(p, 5), hull(p, 6)))

set multiplot layout 1,3 margins 0.055,0.99,0.145,0.925 spacing 0.075,0
set size square
set xlabel "normalised activation z̃_1" offset 0,0.5
set ylabel "normalised activation z̃_2" offset -0.6,0
set xrange [-3:1.35]
set yrange [-3:1.35]
set xtics 1
set ytics 1
set key bottom left Left reverse samplen 2
do for [p = 0:2] {
    h = hull(p, 2)
    set title panel(substr("ABC", p + 1, p + 1), \
                    sprintf("{/:Italic d}_1·{/:Italic d}_2 = %.2f, margin %s%.2f", h, margin(p) < 0 ? "−" : "", abs(margin(p)))) offset 0,-0.6
    set arrow 1 from h, graph 0 to h, graph 1 nohead linetype 5 linewidth 1.2 front
    set arrow 2 from graph 0, first h to graph 1, first h nohead linetype 5 linewidth 1.2 front
    # The hull of a feature lies where the other one is off: at 1.
    set arrow 3 from hull(p, 3), 1.16 to hull(p, 4), 1.16 nohead linecolor rgb "#b2182b" linewidth 6 front
    set arrow 4 from 1.16, hull(p, 5) to 1.16, hull(p, 6) nohead linecolor rgb "#b2182b" linewidth 6 front
    plot scatter using ($1 == p ? $2 : NaN):3 with points pointtype 7 pointsize 0.22 linecolor rgb "#707070", \
         NaN with lines linecolor rgb "#b2182b" dashtype solid linewidth 6 title (p == 2 ? "hull, other off" : ""), \
         NaN with lines linetype 5 linewidth 1.2 title (p == 2 ? "{/:Italic d}_1·{/:Italic d}_2" : "")
}
unset multiplot
