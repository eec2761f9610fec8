# mathml.awk -- makes pandoc's MathML readable in browsers that know MathML Core only:
# words are single identifiers, and brackets have the size of a letter unless TeX said \left
# or the brace is that of cases.
BEGIN { RS = "</math>" }
NR > 1 { printf "</math>" }
{
    while (sub(/<mstyle mathvariant="normal"><mi>[^<]*<\/mi><mi>/, "&\001"))
        sub(/<\/mi><mi>\001/, "")
    $0 = words($0)
    gsub(/<mstyle mathvariant="double-struck"><mi>E<\/mi><\/mstyle>/, "<mi>𝔼</mi>")
    gsub(/<mstyle mathvariant="double-struck"><mi>R<\/mi><\/mstyle>/, "<mi>ℝ</mi>")
    if (!/\\left|\\begin.cases/)
        gsub(/stretchy="true" form="p/, "stretchy=\"false\" form=\"p")
    printf "%s", $0
}
# <mstyle mathvariant="normal"><mi>Conv</mi></mstyle> -> <mi mathvariant="normal">Conv</mi>
function words(text,    done, piece) {
    while (match(text, /<mstyle mathvariant="normal"><mi>[^<]*<\/mi><\/mstyle>/)) {
        piece = substr(text, RSTART, RLENGTH)
        gsub(/<[^>]*>/, "", piece)
        done = done substr(text, 1, RSTART - 1) "<mi mathvariant=\"normal\">" piece "</mi>"
        text = substr(text, RSTART + RLENGTH)
    }
    return done text
}
