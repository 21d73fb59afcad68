# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
#
# What shell scripts do all day. is NAME GOT WANTED.
failed=0
is() {
	[ "$2" = "$3" ] && return
	echo "FAIL $1: got <$2>, wanted <$3>"
	failed=$((failed + 1))
}
mkdir /tmp/work && cd /tmp/work || exit 1
echo hello >f
echo more >>f
is append "$(wc -l <f)" 2
is sequence "$(seq 1 1000 | sort -rn | tail -1)" 1
is long-pipe "$(dd if=/dev/zero bs=1024 count=3000 2>/dev/null | wc -c)" 3072000
dd if=/dev/urandom of=big bs=65536 count=32 2>/dev/null
cp big copy
is copy "$(cmp big copy && echo same)" same
is checksum "$(md5sum <big)" "$(cat copy | md5sum)"
is gzip "$(gzip -c big | gunzip -c | cmp - big && echo same)" same
is tar "$(tar cf - big copy | tar tf - | wc -l)" 2
is trap "$(sh -c 'trap "echo got" USR1; kill -USR1 $$; echo end')" "got
end"
is status "$( (exit 5); echo $?)" 5
is killed "$(sh -c 'kill -TERM $$' 2>/dev/null; echo $?)" 143
is background "$(sleep 0.1 & wait; echo done)" done
is closed-pipe "$(yes | head -2 | wc -l)" 2
mkfifo p
(echo through >p) &
is fifo "$(cat p)" through
is standard-input "$(echo x | cat /dev/stdin)" x
is own-program "$(readlink /proc/self/exe)" /bin/busybox
is limit "$(timeout 0.2 sleep 5; echo $?)" 143
is deep "$(sh -c 'sh -c "sh -c \"echo deep\""')" deep
is stopped "$(sleep 10 & p=$!; kill -STOP $p; grep State /proc/$p/status
kill -CONT $p; kill -9 $p; wait $p 2>/dev/null; echo $?)" "State:	T (stopped)
137"
is unlinked "$(exec 3<copy; rm copy; cmp - big <&3 && echo same)" same
is up "$(cd /usr/share && cd .. && pwd)" /usr
is script "$(printf '#!/bin/sh\necho script $1\n' >s; chmod +x s; ./s a)" "script a"
is who "$(whoami)" root
for i in 1 2 3 4 5 6 7 8 9 10; do /bin/true || is true no yes; done
cd /tmp && rm -r work
is gone "$(ls -d /tmp/work 2>&1 | grep -c 'No such')" 1
echo "$failed failed"
[ $failed = 0 ]
