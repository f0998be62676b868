"""A model of whole sessions: discrete events on a virtual clock, 500 workers, a million tasks.

What decides is the runtime's own code: the controller (all of it, against a simulated AWS), how the
client cuts chunks, how a worker budgets and splits, leases, poll intervals. What is modelled is
what takes time: AWS's answers, the start of a Fargate task, the analyst's function. Nothing sleeps,
and a seed gives the same run again. ``make fleet`` prints the tables.
"""
