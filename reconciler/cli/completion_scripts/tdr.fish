# Completion of tdr in fish. Keep it: tdr completion fish > ~/.config/fish/completions/tdr.fish
function __tdr_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -l told ($before[1] __complete fish $before[2..] "$current" 2>/dev/null)
    or return
    set -l paths (string split ' ' -- $told[1])
    for word in $told[2..]
        echo $word
    end
    set -l front (string sub -l $paths[2] -- "$current")
    set -l path (string sub -s (math $paths[2] + 1) -- "$current")
    switch $paths[1]
        case files
            for one in (__fish_complete_path "$path")
                echo $front$one
            end
        case folders
            for one in (__fish_complete_directories "$path" '')
                echo $front$one
            end
    end
end
complete --command tdr --no-files --arguments '(__tdr_complete)'
