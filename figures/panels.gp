# reads panels-scatter.tsv panels-hulls.tsv panels-removed.tsv
width = 17.8
height = 5.6
load style

scatter = results . "/panels-scatter.tsv"
removed = results . "/panels-removed.tsv"
hulls = results . "/panels-hulls.tsv"
# Column c of panel p in the table of hulls.
hull(p, c) = real(system(sprintf("awk '!/^#/ && $1 == %d {print $%d}' '%s'", p, c, hulls)))
holds(p) = hull(p, 3) <= hull(p, 2) && hull(p, 2) <= hull(p, 4) && hull(p, 5) <= hull(p, 2) && hull(p, 2) <= hull(p, 6)
array what[4] = ["passes", "fails: feature 1 is never", "passes", "fails: the labrador is never"]
array more[4] = ["", "strong enough while 2 is off", "", "on while the dog is off"]
array one[4] = ["feature 1", "feature 1", "feature 1", "dog"]
array two[4] = ["feature 2", "feature 2", "feature 2", "labrador"]

set multiplot layout 1,4 margins 0.047,0.997,0.15,0.85 spacing 0.043,0
set border 3
set xrange [-3:1.4]
set yrange [-3:1.4]
set xtics -3, 1, 1 offset 0,0.3
set ytics -3, 1, 1 offset 0.5,0
unset key
do for [p = 0:3] {
    h = hull(p, 2)
    set xlabel "z̃, " . one[p + 1] offset 0,0.9
    set ylabel "z̃, " . two[p + 1] offset 1.1,0
    set label 1 sprintf("{/:Bold %s}  %s", substr("ABCD", p + 1, p + 1), what[p + 1]) at graph 0, 1.155 left
    set label 2 more[p + 1] at graph 0.075, 1.06 left
    # The hull of a feature as a band across the panel: upright for feature 1, level for feature 2.
    low1 = hull(p, 3); high1 = hull(p, 4); low2 = hull(p, 5); high2 = hull(p, 6)
    low1 = low1 < -3 ? -3 : low1; low2 = low2 < -3 ? -3 : low2
    set object 1 rectangle from low1, graph 0 to high1, graph 1 fillcolor rgb "#f4a6a6" fillstyle transparent solid 0.45 noborder behind
    set object 2 rectangle from graph 0, first low2 to graph 1, first high2 fillcolor rgb "#f4a6a6" fillstyle transparent solid 0.45 noborder behind
    if (high2 - low2 < 1e-6) { set arrow 1 from graph 0, first high2 to graph 1, first high2 nohead linecolor rgb "#d6604d" linewidth 2 dashtype solid back } else { unset arrow 1 }
    mark = holds(p) ? 1 : 0
    plot scatter using ($1 == p ? $2 : NaN):3 with points pointtype 7 pointsize 0.2 linecolor rgb "#2166ac", \
         removed using ($1 == p ? $2 : NaN):3 with points pointtype 6 pointsize 0.25 linewidth 0.7 linecolor rgb "#2166ac", \
         "+" using (h):(h) every ::0::0 with points pointtype (mark ? 7 : 2) pointsize (mark ? 1.1 : 1.4) linewidth 3.5 linecolor rgb "#ffffff", \
         "+" using (h):(h) every ::0::0 with points pointtype (mark ? 7 : 2) pointsize (mark ? 0.8 : 1.2) linewidth 2.2 linecolor rgb "#000000"
}
unset multiplot
