"""What travels sealed and signed: functions, inputs, chunks, results, cancels."""
