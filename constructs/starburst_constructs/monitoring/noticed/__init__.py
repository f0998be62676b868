"""What the trail tells of theft and change: filters by alarm, and where their events come from.

``patterns`` writes conditions on events; ``controller_bypass``, ``evidence_changes``, ``changes``,
``named_trust``, ``reads`` and ``logins`` say what to look for, ``refusals`` counts the
controller's. ``volume`` sums up what each person downloads, ``forwarding`` takes the events from
EventBridge where the trail is not the kit's, and ``listening`` puts all of it on one log group.
"""
