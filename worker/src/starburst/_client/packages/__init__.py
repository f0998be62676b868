"""Packages of a session: what is asked of the workspace, sent before its start, and kept alive."""
