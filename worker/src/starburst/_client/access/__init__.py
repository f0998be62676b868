"""Reaching an environment: discovery, credentials, the controller, what AWS answers."""
