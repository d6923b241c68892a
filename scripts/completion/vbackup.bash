# bash completion for vbackup. What can be typed, `vbackup complete` knows.

_vbackup() {
	local rest=${COMP_LINE:0:COMP_POINT} before token
	local line word quoted cut breaks i
	local -a words=()

	# bash ends words at = and : and more; for vbackup only blanks do.
	for ((i = 0; i <= COMP_CWORD; i++)); do
		before=$rest
		rest=${rest#"${rest%%[![:space:]]*}"}
		token=${COMP_WORDS[i]}
		((i < COMP_CWORD)) || token=$rest
		if ((i > 0)) && [[ $before == "$rest" && -n $before ]]; then
			words[${#words[@]} - 1]+=$token
		else
			words+=("$token")
		fi
		rest=${rest#"$token"}
	done
	local typed=${words[${#words[@]} - 1]}
	for i in "${!words[@]}"; do
		words[i]=${words[i]//[\\\'\"]/}
		words[i]=${words[i]/#\~\//"$HOME"/}
	done
	# bash puts in place only what is behind the last of its ends.
	breaks=${COMP_WORDBREAKS//[^=:@]/} cut=
	if [[ -n $breaks && $typed != [\'\"]* ]]; then
		cut=${typed%"${typed##*["$breaks"]}"}
	fi

	COMPREPLY=()
	compopt -o nosort 2>/dev/null
	while IFS= read -r line; do
		case $line in
		$'\t'files | $'\t'directories)
			compopt -o filenames 2>/dev/null
			[[ $line == *files ]] && i=-f || i=-d
			mapfile -t COMPREPLY < <(
				compgen $i -- "${words[-1]#"$cut"}")
			return
			;;
		esac
		word=${line%%$'\t'*}
		printf -v quoted %q "$word"
		[[ $typed != [\'\"]* ]] || quoted=$word
		COMPREPLY+=("${quoted#"$cut"}")
	done < <("${words[0]}" complete "${words[@]:1}" 2>/dev/null </dev/null)
} && complete -F _vbackup vbackup
