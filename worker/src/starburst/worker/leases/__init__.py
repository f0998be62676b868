"""Leases on chunks: received, kept, committed, handed on."""
