"""What outlives a process: tables, transitions, the event log and its stream."""
