# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Completion of holdfast for bash. Its name when installed is the command's.

_holdfast() {
	local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local command=${COMP_WORDS[1]:-} index options=
	COMPREPLY=()

	if [ "$COMP_CWORD" -eq 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W \
			'run serve screenshot record view trace info top inject vblank input --help --version' -- "$word")
		return
	fi
	for ((index = 2; index < COMP_CWORD; index++)); do
		if [ "${COMP_WORDS[index]}" = -- ]; then
			# What follows is a command of its own.
			declare -F _command_offset >/dev/null && _command_offset $((index + 1))
			return
		fi
	done
	case $previous in
	--format)
		mapfile -t COMPREPLY < <(compgen -W 'text chrome' -- "$word")
		return
		;;
	--output)
		if [ "$command" = trace ]; then
			mapfile -t COMPREPLY < <(compgen -f -- "$word")
			return
		fi
		mapfile -t COMPREPLY < <(compgen -W \
			'1024x768 1280x720 1920x1080 2560x1440 3840x2160' -- "$word")
		return
		;;
	--screenshot | --trace | --record | --socket | --scenario | --password-file | --novnc)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	--device)
		mapfile -t COMPREPLY < <(compgen -W \
			'soft vfio:' -- "$word")
		return
		;;
	--clock)
		mapfile -t COMPREPLY < <(compgen -W \
			'real manual fast' -- "$word")
		return
		;;
	--crtc | --connector | --frames | --duration | --layout | --vnc | --http)
		return
		;;
	esac
	case $command in
	run) options='--logind --device --unsafe-no-iommu --output --planes --virtual-cursor --screenshot --scanout --split --non-coherent --pool --memory --client-memory --trace --record --check --strict --scenario --clock --socket --stats --' ;;
	serve) options='--device --unsafe-no-iommu --output --planes --virtual-cursor --screenshot --scanout --split --non-coherent --pool --memory --client-memory --trace --record --check --strict --scenario --clock --socket --stats' ;;
	run) options='--device --unsafe-no-iommu --output --planes --virtual-cursor --screenshot --scanout --split --non-coherent --pool --memory --trace --record --view --password-file --view-only --check --strict --scenario --clock --no-seat --socket --stats --' ;;
	serve) options='--device --unsafe-no-iommu --output --planes --virtual-cursor --screenshot --scanout --split --non-coherent --pool --memory --trace --record --view --password-file --view-only --check --strict --scenario --clock --no-seat --socket --stats' ;;
	run) options='--device --unsafe-no-iommu --output --planes --virtual-cursor --screenshot --scanout --split --non-coherent --pool --memory --client-memory --trace --record --check --strict --scenario --clock --socket --stats --' ;;
	serve) options='--device --unsafe-no-iommu --output --planes --virtual-cursor --screenshot --scanout --split --non-coherent --pool --memory --client-memory --trace --record --check --strict --scenario --clock --socket --stats' ;;
	run) options='--device --unsafe-no-iommu --output --planes --virtual-cursor --screenshot --scanout --split --non-coherent --pool --memory --trace --record --view --password-file --view-only --check --strict --scenario --clock --no-seat --socket --stats --' ;;
	serve) options='--device --unsafe-no-iommu --output --planes --virtual-cursor --screenshot --scanout --split --non-coherent --pool --memory --trace --record --view --password-file --view-only --check --strict --scenario --clock --no-seat --socket --stats' ;;
	screenshot) options='--socket --crtc --connector' ;;
	record) options='--socket --crtc --connector --frames --duration' ;;
	view) options='--socket --crtc --connector --vnc --http --password-file --view-only --novnc' ;;
	trace) options='--socket --format --output --duration' ;;
	info) options='--socket --json --objects --problems' ;;
	top) options='--socket' ;;
	inject) options='--socket --help plug unplug edid modes link flip commit ioctl fence engine memory device input suspend resume list clear' ;;
	input) options='--socket --layout --help type key press release keysym layout move motion click button scroll touch' ;;
	vblank) options='--socket --help step run stop fast' ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
	if [[ $command = @(screenshot|record) ]] && [[ $word != -* ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
	fi
}

complete -o filenames -F _holdfast holdfast
