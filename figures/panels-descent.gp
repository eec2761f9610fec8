# reads panels-descent.tsv
height = 5.2
load style

set bmargin 2.6
set xlabel "step " . epsilon . " along the certificate's direction" offset 0,0.5
set ylabel "loss change per sample and " . lambda
set key bottom left Left reverse
plot results . "/panels-descent.tsv" using 1:3 with lines linetype 1 title "closed form", \
     "" using 1:4 with lines linetype 2 title "predicted slope", \
     "" using 1:2 every 2 with points linetype 5 pointsize 0.6 title "full loss"
