"""What is in worker images: a list of packages by the first twelve digits of the digest."""
