"""What people see while they wait, and when they ask."""
