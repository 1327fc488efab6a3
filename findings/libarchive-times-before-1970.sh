#!/usr/bin/env bash
# Finding: libarchive writes and reads fractional times before 1970 in a form of its own.
#
# A pax header has times as decimal numbers (POSIX, pax: "mtime"), so one and a half seconds before 1970 is -1.5. GNU
# tar writes and reads that. libarchive 3.6.2 (bsdtar) writes -2.5 for it, which is the seconds and the nanoseconds of
# the system's own structure side by side, and reads -1.5 as -0.5. What it writes it reads back right; between it and
# GNU tar such times move by a second. Times from 1970 on agree.
#
# Runs bsdtar 3.6.2 of Debian 12 (package libarchive-tools, unpacked into a temporary folder; libarchive13 has to be
# installed) and the GNU tar of this machine. Exits with 0 while the behaviour is as described.
set -euo pipefail
PACKAGE=libarchive-tools
VERSION=3.6.2-1+deb12u5
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download --quiet "$PACKAGE=$VERSION" >/dev/null 2>&1 ||
  { echo "skipped: $PACKAGE $VERSION of Debian 12 cannot be had here (apt-get download)"; exit 3; }
dpkg-deb --extract "$PACKAGE"_*.deb package
bsdtar=$folder/package/usr/bin/bsdtar
"$bsdtar" --version
tar --version | head -n 1

mkdir from by-libarchive by-tar back
touch --date=@-1.5 from/early
touch --date=@1.5 from/late
mtimes() { python3 -c '
import os, sys
print(*(os.stat(f"{sys.argv[1]}/{name}").st_mtime_ns / 1e9 for name in ("early", "late")))' "$1"; }
records() { python3 -c '
import re, sys
print(*re.findall(r"\d+ mtime=([-.\d]+)\n", open(sys.argv[1], encoding="latin1").read()))' "$1"; }

tar --format=posix -cf gnu.tar -C from early late
"$bsdtar" --format=pax -cf libarchive.tar -C from early late
"$bsdtar" -xf gnu.tar -C by-libarchive
tar --warning=no-timestamp -xf libarchive.tar -C by-tar
"$bsdtar" -xf libarchive.tar -C back

failed=0
expect() { # what, found, expected
  if [ "$2" = "$3" ]; then echo "as described: $1: $2"; else echo "CHANGED: $1: $2, was $3"; failed=1; fi
}
expect "the files" "$(mtimes from)" "-1.5 1.5"
expect "what GNU tar writes" "$(records gnu.tar)" "-1.5 1.5"
expect "what libarchive writes" "$(records libarchive.tar)" "-2.5 1.5"
expect "GNU tar's archive, unpacked by libarchive" "$(mtimes by-libarchive)" "-0.5 1.5"
expect "libarchive's archive, unpacked by GNU tar" "$(mtimes by-tar)" "-2.5 1.5"
expect "libarchive's archive, unpacked by libarchive" "$(mtimes back)" "-1.5 1.5"
exit $failed
