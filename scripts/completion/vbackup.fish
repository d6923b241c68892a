# fish completion for vbackup. What can be typed, `vbackup complete` knows.

function __vbackup_complete
    set -l words (commandline -opc)
    set -l program $words[1]
    set -l word (commandline -ct)
    set -e words[1]
    command -q $program; or return
    # Of --config=FILE, the file is to be completed.
    set -l option (string match -r -- '^--[^=]*=' "$word")
    set -l path (string replace -r -- '^--[^=]*=' '' "$word")
    for line in ($program complete $words "$word" 2>/dev/null </dev/null)
        switch $line
            case \tfiles
                printf '%s\n' "$option"(__fish_complete_path "$path")
            case \tdirectories
                printf '%s\n' "$option"(__fish_complete_directories "$path")
            case '*'
                echo $line
        end
    end
end

complete -c vbackup -k -f -a '(__vbackup_complete)'
