"""What new templates and settings do to what is deployed, and where they would stop half-way."""
