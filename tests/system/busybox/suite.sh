#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
#
# Runs busybox's own test suite inside a system, applet by applet, each with a
# time limit, so that one that hangs costs only itself.
#	suite.sh FOLDER [APPLET...]
# FOLDER holds busybox, its .config and testsuite/. Prints the suite's own lines
# (PASS: FAIL: SKIPPED: UNTESTED:) between lines "APPLET name" and, after a
# limit, "HUNG: name".
bindir=$1
tsdir=$bindir/testsuite
links=$bindir/runtest-tempdir-links
limit=2400 # bc takes minutes by itself, and more beside other work
shift
unset LC_ALL LC_MESSAGES LANG LANGUAGE
export bindir tsdir VERBOSE= SKIP_INTERNET_TESTS=1 ECHO=echo HOME=/root
cd "$tsdir" || exit 1
rm -rf "$links"
mkdir "$links" || exit 1
implemented=$("$bindir/busybox" --list)
for applet in busybox $implemented; do
	ln -s "$bindir/busybox" "$links/$applet"
done
OPTIONFLAGS=:$(sed -nr 's/^CONFIG_([^=]*)=.*/\1/p' "$bindir/.config" |
	tr '\n' ':')
export OPTIONFLAGS
base=$links:$tsdir:$bindir:$PATH
PATH=$base
export PATH

# Old tests are a folder of shell fragments, run one by one.
old_style() {
	upper=$(echo "$1" | tr a-z A-Z)
	for file in "$tsdir/$1"/*; do
		name=${file##*/}
		feature=$(sed -ne 's/^# FEATURE: //p' "$file")
		for flag in CONFIG_$upper $feature; do
			grep -q "^# $flag is not set\$" "$bindir/.config" &&
				echo "UNTESTED: $name" && continue 2
		done
		rm -rf "$tsdir/.tmp.$1"
		mkdir "$tsdir/.tmp.$1"
		cd "$tsdir/.tmp.$1" || exit 1
		if d=$tsdir timeout -s KILL $limit sh -x -e "$file" \
			>"$tsdir/.output" 2>&1 </dev/null; then
			echo "PASS: $name"
		else
			echo "FAIL: $name"
		fi
		cd "$tsdir" || exit 1
		rm -rf "$tsdir/.tmp.$1"
	done
}

for applet in ${@:-busybox $implemented}; do
	[ -d "$tsdir/$applet" ] || [ -f "$tsdir/$applet.tests" ] || continue
	echo "APPLET $applet"
	[ ! -d "$tsdir/$applet" ] || old_style "$applet"
	if [ -f "$tsdir/$applet.tests" ]; then
		timeout -s KILL $limit "$tsdir/$applet.tests" </dev/null 2>&1
		[ $? -lt 137 ] || echo "HUNG: $applet"
	fi
done
echo SUITE-END
