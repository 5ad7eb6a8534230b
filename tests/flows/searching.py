"""How the searches of these tests go."""

from hypothesis import HealthCheck, settings

search = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""An example has no time limit: the machine may be busy with something else."""
