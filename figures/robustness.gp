# robustness.gp -- how near the worst seed comes to every bound, and how far the controls stay beyond it.
# reads seeds.tsv seeds-checks.tsv
width = 17.8
claims = system(sprintf("sed -n 's/^\\([a-z0-9_]*\\)\\.holds\t.*/\\1/p' '%s'", results . '/seeds.tsv'))
rows = words(claims)
height = 2.4 + 0.255 * rows
load style

# Rows: claim, check, control or not, kind (0 allowance, 1 floor, 2 exact, 3 sign), share used, least, mean, largest.
checks = results . '/seeds-checks.tsv'
# The share on the logarithmic axis, 0 and infinity at its ends; checks of one claim a little apart.
zero = 1e-9
infinity = 1e11
place(x) = x < 10 * zero ? zero : x > infinity / 10 ? infinity : x
row(claim, check) = claim + 0.22 * (int(check) % 3 - 1)
is(control, kind) = sprintf("< awk -F '\t' '!/^#/ && $3 == %d && (%s)' %s", control, kind, checks)

set multiplot
set tmargin at screen 1 - 0.5 / height; set bmargin at screen 1.7 / height
set yrange [rows + 0.6:0.4]
set ytics scale 0
set for [i = 1:rows] ytics add (word(claims, i) i)
set grid ytics linecolor rgb '#d0d0d0' dashtype solid linewidth 0.4
set title panel('a', 'share of the bound that the worst seed uses') offset 0,-0.6
set xlabel 'measured deviation / allowed, or required / measured' offset 0,0.6
set key at screen 0.5, 0.3 / height center maxrows 1 Left reverse samplen 1 width 1
set logscale x
set xrange [zero / 4:infinity * 4]
set xtics ('0' zero, '10^{−6}' 1e-6, '10^{−4}' 1e-4, '0.01' 0.01, '1' 1, '100' 100, '10^4' 1e4, '10^6' 1e6, '10^8' 1e8, infinite infinity)
set object 1 rectangle from 1, graph 0 to infinity * 4, graph 1 fillcolor rgb '#f3e4e4' fillstyle solid 1 noborder behind
set arrow 1 from 1, graph 0 to 1, graph 1 nohead linewidth 1
set lmargin at screen 0.115; set rmargin at screen 0.735
plot is(1, '$4 != 3') using (place($5)):(row($1, $2)) with points pointtype 2 pointsize 0.35 linecolor rgb '#b2182b', \
     is(0, '$4 == 0') using (place($5)):(row($1, $2)) with points pointtype 7 pointsize 0.35 linecolor rgb '#000000', \
     is(0, '$4 == 2') using (zero):(row($1, $2)) with points pointtype 5 pointsize 0.3 linecolor rgb '#000000', \
     is(0, '$4 == 1') using (place($5)):(row($1, $2)) with points pointtype 6 pointsize 0.45 linecolor rgb '#000000', \
     NaN with points pointtype 7 pointsize 0.45 linecolor rgb '#000000' title 'deviation', \
     NaN with points pointtype 6 pointsize 0.5 linecolor rgb '#000000' title 'must exceed a bound', \
     NaN with points pointtype 5 pointsize 0.4 linecolor rgb '#000000' title 'met exactly', \
     NaN with points pointtype 2 pointsize 0.45 linecolor rgb '#b2182b' title 'control: must fail'
unset key

unset logscale x
unset object 1
unset ytics
set title panel('b', 'where a sign is asked for')
set xlabel 'distance to zero'
set xrange [-1.05:1.05]
set xtics (atmost . ' −1' -1, '−0.5' -0.5, '0' 0, '0.5' 0.5, '1' 1)
set object 1 rectangle from -1.05, graph 0 to 0, graph 1 fillcolor rgb '#f3e4e4' fillstyle solid 1 noborder behind
set arrow 1 from 0, graph 0 to 0, graph 1
set lmargin at screen 0.77; set rmargin at screen 0.985
# A seed that fails, or a control that passes, would stand on the other side.
side(used) = used > 1 ? -1 : 1
near(a, b) = abs(a) < abs(b) ? abs(a) : abs(b)
far(a, b) = abs(a) > abs(b) ? abs(a) : abs(b)
clip(x) = x < -1 ? -1 : x > 1 ? 1 : x
plot is(1, '$4 == 3') using (clip(side($5) * near($6, $8))):(row($1, $2)):(clip(side($5) * near($6, $8))):(clip(side($5) * far($6, $8))) \
         with xerrorbars pointtype 2 pointsize 0.4 linecolor rgb '#b2182b' dashtype solid linewidth 0.8, \
     is(0, '$4 == 3') using (clip(side($5) * near($6, $8))):(row($1, $2)):(clip(side($5) * near($6, $8))):(clip(side($5) * far($6, $8))) \
         with xerrorbars pointtype 7 pointsize 0.4 linecolor rgb '#000000' dashtype solid linewidth 0.8
unset multiplot
