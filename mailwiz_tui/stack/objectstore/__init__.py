"""Old mail in an S3 object store: rclone mounts the bucket, a timer moves mail there every night."""
