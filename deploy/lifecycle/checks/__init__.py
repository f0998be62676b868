"""What is asked of the account before anything is deployed, since settings cannot tell."""
