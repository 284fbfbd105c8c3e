# Completion of tdr in bash. Read it from ~/.bashrc: source <(tdr completion bash)
_tdr() {
    local paths before word _about
    COMPREPLY=()
    {
        read -r paths before || return 0
        while IFS=$'\t' read -r word _about; do
            COMPREPLY+=("$word")
        done
    } < <("$1" __complete bash "${COMP_LINE:0:COMP_POINT}" "$2" 2>/dev/null)
    if [[ $paths == files && $before -gt 0 ]]; then
        while IFS= read -r word; do
            COMPREPLY+=("${2:0:before}$word")
        done < <(compgen -f -- "${2:before}")
        paths=none
    fi
    # bash 3 has no compopt, and then offers no other paths.
    type compopt >/dev/null 2>&1 || return 0
    case $paths in
        files) compopt -o default ;;
        folders) compopt -o dirnames -o filenames ;;
    esac
    case "${COMPREPLY[*]}" in
        *=) compopt -o nospace ;;
    esac
}
complete -F _tdr tdr
