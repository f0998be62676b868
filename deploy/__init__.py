"""What a platform engineer or the security team runs beside the CDK, by trade.

- ``incident``: contain, isolate, revoke, hold, erase, restore, and the saved queries (``events``).
- ``drill``: play three incidents on ``local`` and judge how each ends.
- ``spending``: freeze an environment or a workspace and thaw it; show what is used of totals.
- ``changing``: what a deployment would do to what is deployed; what would stop half-way is refused.
- ``lifecycle``: deploy an environment and protect it; destroy a test environment with all it holds.
- ``rehearsal``: try an environment in its account by a throw-away one (``first_day``).
- ``evidence``: what judged an environment and what was found, in one signed folder.
- ``tools``: the worker image, the local deployment, costs at rest, generated pages and templates.

Each file beside these rooms is a command to type, such as ``python -m deploy.contain``; it holds no
code of its own. ``python -m deploy local`` deploys into the local environment.
"""
