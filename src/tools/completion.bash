# bash completion of the ndl- tools: the options they say they have, and files.
_ndl() {
    local word=${COMP_WORDS[COMP_CWORD]}
    [[ $word == = ]] && word= # --out=
    compopt -o filenames
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$("$1" --help 2>/dev/null | grep -o -e '--[a-z-]*' | sort -u)" -- "$word")
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}
complete -F _ndl ndl-fit ndl-encode ndl-bound ndl-check ndl-sample ndl-train
