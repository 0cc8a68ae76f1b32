"""Old mail in a bucket: an S3 object store mounted by rclone, and the daily move of mail into it."""
