"""Commands that end or change what opens things: a person's keys and login, a key in KMS."""
