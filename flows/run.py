"""What is asked of a run, and what it borrows from its process: the ports through which it reaches the world."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from flows.budget import Budget
from flows.databases import Databases, NoDatabases
from flows.files import Files, NoFiles
from flows.knowledge import Knowledge, NoKnowledge
from flows.library import FlowLibrary, NoLibrary
from flows.memory import Memory, NoMemory
from flows.models.asking import ModelTools
from flows.models.defaults import ModelDefaults
from flows.outbound.client import Outbound
from flows.reading.arxiv import ArxivTools
from flows.reading.searching import SearchTools


@dataclass(frozen=True)
class Clock:
    """Time as the composition root gives it."""

    now: Callable[[], datetime]
    """The wall clock, in UTC."""
    monotonic: Callable[[], float]
    """Seconds for durations."""


@dataclass(frozen=True)
class RunRequest:
    """What was asked of this run."""

    job_id: str
    flow_id: str
    session_id: str
    input_value: str
    files: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    """The flows inside which it runs, by id, the outermost first."""
    is_told: bool = True
    """Whether what happens inside it is told: whoever runs it may see into it, and into the flows around it."""
    is_remembered: bool = True
    """Whether its chat messages go into the memory of its session."""


@dataclass(frozen=True)
class RunTools:
    """What a run borrows from its process: the clock, the variables of its user, and the ways out and to models."""

    clock: Clock
    variable: Callable[[str], str | None]
    """The value of a variable by name: the globals of the request first, then the user's stored ones."""
    outbound: Outbound
    """Makes every outgoing call; nothing in a flow opens a connection of its own (fault F7)."""
    model_defaults: ModelDefaults
    files: Files = NoFiles()
    """The uploaded files that it may read."""
    search_endpoint: str | None = None
    """Where searches are asked, in place of the public ones."""
    arxiv_endpoint: str | None = None
    """Where papers are searched, in place of arXiv."""
    databases: Databases = NoDatabases()
    """The databases that it may ask."""
    memory: Memory = NoMemory()
    """What was said before in its session."""
    budget: Budget = field(default_factory=Budget)
    """How many tokens it may still spend."""
    flows: FlowLibrary = NoLibrary()
    """The stored flows that its vertices may run."""
    knowledge: Knowledge = NoKnowledge()
    """The knowledge bases that it may search, and add to."""
    struck: Callable[[str], str] = str
    """A text without the secrets that the run was confided: what an error says may hold them (rule 12)."""

    @property
    def models(self) -> ModelTools:
        """The way to models."""
        return ModelTools(self.outbound, self.model_defaults.patience)

    @property
    def search(self) -> SearchTools:
        """The way to searches."""
        return SearchTools(self.outbound, self.search_endpoint)

    @property
    def arxiv(self) -> ArxivTools:
        """The way to papers."""
        return ArxivTools(self.outbound, self.arxiv_endpoint)
