# panels.awk -- the activations of two features in the three panels of the hull figure.
#
#   awk -v panel=A -f datasets/panels/panels.awk > datasets/panels/A.tsv     (and B, C)
#
# Integers below 2^53 only (Park and Miller's generator x <- 16807 x mod 2^31 - 1,
# activations in units of 1e-4), so that every awk writes the same bytes.

# A pseudo-random integer from 0 to 9999.
function draw() {
    state = (16807 * state) % 2147483647
    return int(state * 10000 / 2147483648)
}

function rectified(x) { return x > 0 ? x : 0 }

function put(z1, z2) { printf "%.4f\t%.4f\n", z1 / 10000, z2 / 10000 }

# A correlated cloud, cut off at the axes: both features share s.  Panel B leaves
# out the samples in which feature 1 fires while feature 2 is off or faint.
function cloud(samples, chunk_missing,    i, s, z1, z2) {
    for (i = 0; i < samples; i++) {
        s = draw()
        z1 = rectified(s + draw() - 6000)
        z2 = rectified(s + draw() - 6000)
        if (!(chunk_missing && z1 > 1200 && z2 < 2500))
            put(z1, z2)
    }
}

# An L along the axes: one feature fires up to 1, the other is off in half of
# the samples and faint in the rest.
function ell(samples,    i, strong, faint) {
    for (i = 0; i < samples; i++) {
        strong = draw()
        faint = int(rectified(draw() - 5000) * (10000 - strong) / 25000)
        if (i % 2)
            put(strong, faint)
        else
            put(faint, strong)
    }
}

BEGIN {
    what["A"] = "a correlated cloud, cut off at the axes"
    what["B"] = "panel A without its samples with z1 > 0.12 and z2 < 0.25"
    what["C"] = "an L along the axes, nearly mutually exclusive"
    if (!(panel in what)) {
        print "usage: awk -v panel=A|B|C -f panels.awk" > "/dev/stderr"
        exit 64
    }
    print "# Panel " panel ": activations of two features, " what[panel] "."
    print "# Made by `awk -v panel=" panel " -f datasets/panels/panels.awk`."
    print "# cosine 0.3 (of the angle between the atoms d_1 and d_2; see cosines.tsv)"
    print "# z1\tz2"
    state = panel == "C" ? 20260603 : 20260602
    if (panel == "C")
        ell(360)
    else
        cloud(400, panel == "B")
}
