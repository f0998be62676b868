"""The first day in an account: a throw-away environment is deployed, asked, and destroyed.

What a laptop cannot show is asked of AWS itself, in the order that finds most. ``checks`` holds the
questions, one file for each group; ``asking`` what a question is and how all are asked. The other
modules derive the environment, deploy it, write down what was found and take everything away again.
"""
