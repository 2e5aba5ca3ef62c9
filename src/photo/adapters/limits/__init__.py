"""What has been spent: in this process, or shared with others."""
