# SPDX-License-Identifier: MIT
#
# The objects of the first pipe, as shell assignments, from modetest's list.

/^[A-Z][A-Za-z ]*:$/ { section = $1 }

section == "Connectors:" && /^[0-9]+\t/ && !connector { connector = $1 }

section == "CRTCs:" && /^[0-9]+\t/ && !crtc { crtc = $1 }

# Of the planes, those that the first CRTC may have: bit 0 of the last column.
section == "Planes:" && /^[0-9]+\t/ { plane = $1; mine = $NF ~ /[13579bdf]$/ }
section == "Planes:" && /^\t[0-9]+ / { in_type = $2 == "type:" }
in_type && $1 == "value:" && mine && !planes[$2] { planes[$2] = plane }

END {
	print "connector=" connector
	print "crtc=" crtc
	print "overlay=" planes[0]
	print "primary=" planes[1]
	print "cursor=" planes[2]
}
