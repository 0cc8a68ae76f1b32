# Runs on a kernel host: every request to its second disk ends with an I/O error (fault injection of the kernel).
set -e
cd /sys/kernel/debug/fail_make_request
echo 100 > probability
echo 0 > interval
echo -1 > times
echo 0 > verbose
echo 1 > /sys/block/ubdb/make-it-fail
