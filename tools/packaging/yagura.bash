# Completion of yagura(1) for bash: commands, options, names of fields, values
# of the newest day, saved queries.
_yagura() {
	local word=${COMP_WORDS[COMP_CWORD]} line=${COMP_LINE:0:COMP_POINT}
	local command=${COMP_WORDS[1]} data=() i
	# A colon begins a word of its own unless we put it together again.
	word=${line##* }
	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W "$(yagura --help |
		    awk '/^  [a-z]/ { print $1 }')" -- "$word")
		return
	fi
	for ((i = 2; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--data | -c | --config) data=("${COMP_WORDS[i]}" "${COMP_WORDS[i + 1]}") ;;
		esac
	done
	case $command:$word in
	*:--*)
		mapfile -t COMPREPLY < <(compgen -W "$(yagura "$command" --help |
		    grep -o -e '--[a-z]*')" -- "$word")
		;;
	search:*)
		word=${word#[\'\"]}
		mapfile -t COMPREPLY < <(yagura complete "${data[@]}" -- "$word" 2>/dev/null)
		# What bash has before the colon stays where it is.
		[[ $word == *:* && $COMP_WORDBREAKS == *:* ]] &&
			COMPREPLY=("${COMPREPLY[@]#"${word%"${word##*:}"}"}")
		compopt -o nospace
		;;
	*) compopt -o default ;;
	esac
}
complete -F _yagura yagura
