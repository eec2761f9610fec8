# literate.awk -- a C file as a Markdown page: comments that begin with "/**" in the first
# column are the text, what stands between them is code, with its line numbers.
#
# usage: awk [-v status=FILE] [-v verdict=FILE] -f literate.awk FILE.c
# The status goes behind the first line, the title, and the verdict behind the first comment.
function put_code(    first, last, i) {
    first = 1
    last = count
    while (first <= last && code[first] ~ /^[ \t]*$/)
        first++
    while (last >= first && code[last] ~ /^[ \t]*$/)
        last--
    if (first <= last) {
        printf "\n~~~~~~~~ {.c .numberLines startFrom=\"%d\"}\n", begun + first - 1
        for (i = first; i <= last; i++)
            print code[i]
        print "~~~~~~~~\n"
    }
    count = 0
}
function put_file(name,    line) {
    while (name != "" && (getline line < name) > 0)
        print line
}
function put_verdict() {
    if (verdict == "")
        return
    print ""
    put_file(verdict)
    print ""
    verdict = ""
}
!text && /^\/\*\*([ \t]|$)/ {
    put_code()
    text = 1
    sub(/^\/\*\*[ \t]*/, "")
}
text {
    text = !sub(/[ \t]*\*\/[ \t]*$/, "")
    gsub(/\\[Bb]ig+l/, "\\left") # pandoc's TeX knows no brackets of a given size
    gsub(/\\[Bb]ig+r/, "\\right")
    print
    put_file(status)
    status = ""
    if (!text)
        put_verdict()
    next
}
{
    if (!count)
        begun = FNR
    code[++count] = $0
}
END {
    put_code()
    put_verdict()
}
