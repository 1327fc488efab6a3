#!/usr/bin/env bash
# Finding: 7-Zip and BusyBox unpack a file with holes as a smaller, other file, and say that all is well.
#
# GNU tar's way to keep holes in a pax archive (--sparse, format 1.0) stores a map in front of the data, and the name
# "GNUSparseFile.<number>/name" for programs that do not know it. 7-Zip 26.02 and BusyBox 1.35 do not: they unpack the
# map with the data as the file's content, below that name, print nothing about it and exit with 0. GNU tar, bsdtar and
# Python unpack the file.
#
# Runs 7zz and busybox of Debian 12 (packages 7zip and busybox, unpacked into a temporary folder) on an archive of this
# machine's GNU tar. Exits with 0 while the behaviour is as described.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
for package in 7zip=22.01+really26.02+dfsg-0+deb12u1 busybox=1:1.35.0-4+deb12u1+b1; do
  apt-get download --quiet "$package" >/dev/null 2>&1 ||
    { echo "skipped: $package of Debian 12 cannot be had here (apt-get download)"; exit 3; }
done
for file in *.deb; do dpkg-deb --extract "$file" package; done
seven_zip=$(find package -type f -name 7zz | head -n 1)
busybox=$(find package -type f -path '*bin/busybox' | head -n 1)
"$seven_zip" | sed -n 2p
"$busybox" | sed -n 1p
tar --version | head -n 1

mkdir from by-tar by-python by-7-zip by-busybox
truncate --size=20M from/holes
printf 'some data' | dd of=from/holes conv=notrunc status=none
tar --format=posix --sparse -cf holes.tar -C from holes
tar -xf holes.tar -C by-tar
(cd by-python && python3 -c 'import tarfile; tarfile.open("../holes.tar").extractall()')
"$seven_zip" x -oby-7-zip holes.tar >7-zip.txt && seven_zip_code=$? || seven_zip_code=$?
"$busybox" tar -xf holes.tar -C by-busybox >busybox.txt 2>&1 && busybox_code=$? || busybox_code=$?

failed=0
expect() { # what, found, expected
  if [ "$2" = "$3" ]; then echo "as described: $1: $2"; else echo "CHANGED: $1: $2, was $3"; failed=1; fi
}
listing() { (cd "$1" && find . -type f -printf '%p %s bytes' | sed 's/GNUSparseFile\.[0-9]*/GNUSparseFile.N/'); }
expect "GNU tar unpacks" "$(listing by-tar)" "./holes 20971520 bytes"
expect "Python unpacks" "$(listing by-python)" "./holes 20971520 bytes"
expect "7-Zip's exit code" "$seven_zip_code" 0
expect "7-Zip speaks of a warning or an error" "$(grep -ci -e warning -e error 7-zip.txt || true)" 0
expect "7-Zip unpacks" "$(listing by-7-zip)" "./GNUSparseFile.N/holes 4608 bytes"
expect "BusyBox's exit code and words" "$busybox_code $(cat busybox.txt)" "0 "
expect "BusyBox unpacks" "$(listing by-busybox)" "./GNUSparseFile.N/holes 4608 bytes"
exit $failed
