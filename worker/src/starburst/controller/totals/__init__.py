"""What people, workspaces and an environment use in total: one book, judged, queued for, frozen."""
