# Runs on a kernel host: its second disk works again.
echo 0 > /sys/block/ubdb/make-it-fail
