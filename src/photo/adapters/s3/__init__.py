"""S3: two buckets, what clients may do there, and whether they are in order."""
