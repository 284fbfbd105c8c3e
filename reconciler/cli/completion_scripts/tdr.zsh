#compdef tdr
# Completion of tdr in zsh. Read it from ~/.zshrc, behind compinit: source <(tdr completion zsh)
# or keep it as _tdr in a folder of $fpath.
_tdr() {
    local paths before word about
    local -a whole unfinished
    {
        read -r paths before || return 1
        while IFS=$'\t' read -r word about; do
            if [[ $word == *= ]]; then
                unfinished+=("${word//:/\\:}${about:+:$about}")
            else
                whole+=("${word//:/\\:}${about:+:$about}")
            fi
        done
    } < <("${(Q)words[1]}" __complete zsh "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)
    local found=1
    (( $#whole )) && _describe -t words tdr whole && found=0
    (( $#unfinished )) && _describe -t words tdr unfinished -S '' && found=0
    if [[ $paths != none ]]; then
        (( before )) && compset -p $before
        if [[ $paths == folders ]]; then
            _files -/ && found=0
        else
            _files && found=0
        fi
    fi
    return found
}
if [[ $funcstack[1] == _tdr ]]; then
    _tdr "$@"
else
    compdef _tdr tdr
fi
