# Loss against time of ndl-fit and scikit-learn, from the traces that bench.py left in `dir`.
set terminal svg enhanced size 560, 240 * words(workloads) background "#ffffff" font "Latin Modern Roman,11"
set output dir.'/loss-time.svg'
set datafile separator "\t"
set encoding utf8
set logscale xy
set format y "10^{%L}"
set xlabel "seconds"
set ylabel "loss / best - 1"
set border 3
set tics nomirror
set key outside right samplen 2
set mytics 1
set multiplot layout words(workloads), 1
do for [name in workloads] {
    set title name
    stats dir.'/trace-'.name.'-ndl-2.tsv' using 2 nooutput name 'ndl'
    stats dir.'/trace-'.name.'-sklearn-2.tsv' using 2 nooutput name 'sk'
    best = (ndl_min < sk_min ? ndl_min : sk_min) * (1 - 1e-12)
    plot for [t in "1 2"] dir.'/trace-'.name.'-ndl-'.t.'.tsv' using 1:($2 / best - 1) with lines lw 2 dt int(t) lc rgb "#000000" title 'ndl-fit, threads '.t, \
         for [t in "1 2"] dir.'/trace-'.name.'-sklearn-'.t.'.tsv' using 1:($2 / best - 1) with linespoints dt int(t) pt 6 ps 0.4 lc rgb "#b2182b" title 'scikit-learn, '.t
}
unset multiplot
