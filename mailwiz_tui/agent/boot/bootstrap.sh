# Starts the agent; where no complete python3 is, installs it first, in a unit that outlives this connection.
start=@START@
say() { printf "mailwiz-bootstrap: %s\n" "$*"; }
if command -v python3 >/dev/null 2>&1; then
	python3 -I -u -c "$start" "$1"
	code=$?
	[ $code -eq 86 ] || exit $code
fi
. /etc/os-release
case "$ID/$VERSION_ID" in
debian/12 | debian/13) ;;
*)
	say "fault unsupported ${PRETTY_NAME:-unknown system}"
	exit 84
	;;
esac
if [ "$(id -u)" != 0 ]; then
	say "fault root needed to install python3"
	exit 83
fi
if [ ! -d /run/systemd/system ]; then
	say "fault systemd is not running"
	exit 82
fi
folder=/run/mailwiz-bootstrap
if ! systemctl -q is-active mailwiz-bootstrap.service; then
	rm -rf $folder
	mkdir -m 700 $folder
	cat >$folder/install <<'END'
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 APT_LISTCHANGES_FRONTEND=none LC_ALL=C
tries=0
until apt-get -q update -o Acquire::Retries=3 -o APT::Update::Error-Mode=any >update.log 2>&1; do
	cat update.log
	tries=$((tries + 1))
	if ! grep -q "Could not get lock" update.log || [ $tries -gt 200 ]; then exit 100; fi
	sleep 3
done
mkdir -m 700 -p /var/lib/mailwiz
(umask 077 && : >/var/lib/mailwiz/apt-updated)
if [ -n "$(dpkg --audit)" ]; then dpkg --configure -a --force-confdef --force-confold; fi
tries=0
until apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 \
	-o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold install python3 openssl; do
	tries=$((tries + 1))
	[ $tries -gt 20 ] && exit 100
	sleep 3
done
END
	systemd-run -q --collect --unit mailwiz-bootstrap -p Type=exec -p WorkingDirectory=$folder \
		-p StandardOutput=append:$folder/log -p StandardError=append:$folder/log \
		-p "ExecStopPost=/bin/sh -c 'echo \$\$SERVICE_RESULT \$\$EXIT_CODE \$\$EXIT_STATUS >$folder/told && mv $folder/told $folder/result'" \
		/bin/sh $folder/install </dev/null || exit 81
fi
last=
ticks=0
gone=0
while [ ! -e $folder/result ] && [ $gone -lt 5 ]; do
	sleep 0.2
	ticks=$((ticks + 1))
	if [ $((ticks % 5)) -eq 0 ]; then
		line=$(tail -n 1 $folder/log 2>/dev/null)
		[ "$line" = "$last" ] || say "$line"
		last=$line
		systemctl -q is-active mailwiz-bootstrap.service || gone=$((gone + 1))
	fi
done
# The words of systemd.exec(5): SERVICE_RESULT, EXIT_CODE, EXIT_STATUS.
set -- "$1" $(cat $folder/result 2>/dev/null)
if [ "$2" != success ]; then
	code=81
	case "$2/$3" in
	oom-kill/*) code=87 why="the server ran out of memory, and the kernel ended the installation (OOM killer)" ;;
	*/killed | */dumped) code=87 why="somebody or something ended it with signal $4" ;;
	/*) # The whole control group was killed, or the server went down: only the journal knows.
		told=$(journalctl -q -b -u mailwiz-bootstrap.service -o cat 2>/dev/null |
			grep -E "Main process exited|Failed with result|OOM" | tail -n 2 | tr "\n" " ")
		code=87 why="its unit mailwiz-bootstrap.service was ended from outside (${told:-the journal does not say how})"
		;;
	*) why="it ended with status $4" ;;
	esac
	if grep -q "No space left on device" $folder/log 2>/dev/null; then
		code=88 why="no space is left on the disk ($(df -Pm /var | awk 'END { print $4 " MB free on " $6 }'))"
	fi
	said=$(grep -E "^(E|Err|W|dpkg):" $folder/log 2>/dev/null | tail -n 2 | tr "\n" " ")
	[ -n "$said" ] || said=$(cat $folder/update.log $folder/log 2>/dev/null | tail -n 1)
	say "fault python3 cannot be installed: $why; last words: ${said:-none}"
	exit $code
fi
exec python3 -I -u -c "$start" "$1"
