"""What surrounds the actor, in one list. Dramatiq's own middleware is left out on purpose: retries and time limits
belong to the job's row (rule 1)."""
