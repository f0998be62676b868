"""What settings name that is not the kit's: objects of other buckets, and secrets."""
