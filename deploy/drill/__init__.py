"""Three incidents, played on ``local`` with the commands of the how-to: ``python -m deploy.drill``.

The thieves come by real doors, with credentials that they stole; the officers have the roles that
each command prints. What must be over is probed, not assumed.
"""
