"""Would each alarm ring? CloudWatch's documented rules, over series that are written down.

An emulator cannot breach on silence, and an alarm on a metric that nobody sends is silent for ever.
So ``reading`` takes the alarms, filters and topics out of an environment's templates, ``emitted``
knows what AWS services send and under which dimensions, ``evaluation`` says minute by minute which
state an alarm would have, and ``judgement`` names what is wrong with it. ``series`` holds what was
counted or logged; tests write it.

What CloudWatch does is taken from its documentation, and not proved here.
"""
