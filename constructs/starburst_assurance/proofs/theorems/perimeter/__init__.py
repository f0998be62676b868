"""What keeps strangers out, and AWS services to their job."""
