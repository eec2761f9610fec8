#!/bin/sh
# versions.sh COMMIT -- the versions in the paper's colophon, as TeX macros on stdout.
set -eu
macro() { # NAME TEXT; whatever TeX would take for a command becomes a blank
    printf '\\newcommand\\%s{%s}\n' "$1" "$(printf %s "${2:-unknown}" | tr '\\{}$&#^_~%' ' ')"
}
package() { dpkg-query -W -f '${Version}' "$1" 2>/dev/null || true; }
macro commitid "$1"
macro versioncompiler "$(${CC:-cc} --version | head -n 1)"
macro versiongsl "$(package libgsl-dev)"
macro versionopenblas "$(package libopenblas-dev)"
macro versionqhull "$(package libqhull-dev)"
macro versionglpk "$(package libglpk-dev)"
macro versiongnuplot "$(gnuplot --version)"
macro versiontex "$(pdflatex --version | head -n 1)"
macro versionsystem "$(. /etc/os-release 2>/dev/null && echo "${PRETTY_NAME:-}")"
