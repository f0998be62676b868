"""A review's proposals before anybody takes one: narrower, nothing in use lost, all still proved.

The job that proposes runs where no solver fits; this runs on an officer's machine, and believes
neither what the job proposes nor what it says is tracked.
"""
