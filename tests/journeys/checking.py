"""What must hold of every log, whatever happened to its run."""

from collections.abc import Sequence

from flows.events import TERMINAL, EventType
from tests.reading import Frame, milestones

STATUS_OF = {
    EventType.CANCELLED: "cancelled",
    EventType.TIMED_OUT: "timed_out",
    EventType.WORKER_LOST: "failed",
    EventType.INPUT_TIMED_OUT: "failed",
}


def check_log(seen: Sequence[Frame], status: str) -> None:
    """The log is whole, ends with its one terminal event, which agrees with the job's status (I2, I4), and no vertex
    finished twice (I6). One that asks ends once more for each of its requests, with nothing put out."""
    check_dense(seen)
    assert [frame.event for frame in seen if frame.event in TERMINAL] == [seen[-1].event]
    assert STATUS_OF.get(EventType(seen[-1].event), seen[-1].json["data"].get("status")) == status
    asked = {
        frame.json["data"]["request_id"].partition(":")[0] for frame in seen if frame.event == "human_input_required"
    }
    built = [id for id in finished(seen) if id not in asked]
    assert len(built) == len(set(built)), f"finished twice: {built}"


def check_dense(seen: Sequence[Frame]) -> None:
    """The milestones are numbered from 1 without a hole."""
    stored = milestones(list(seen))
    assert [frame.id for frame in stored] == [str(seq) for seq in range(1, len(stored) + 1)]


def finished(seen: Sequence[Frame]) -> list[str]:
    """The vertices that finished, in order."""
    return [frame.json["data"]["build_data"]["id"] for frame in seen if frame.event == EventType.END_VERTEX]


def recoveries(seen: Sequence[Frame]) -> list[list[str]]:
    """The vertices that started over, for each recovery."""
    return [frame.json["data"]["vertices"] for frame in seen if frame.event == EventType.RUN_RECOVERED]


def check_messages(seen: Sequence[Frame]) -> None:
    """No message is opened again before it was removed, and none is left half streamed where the flow came to its
    end."""
    states: dict[str, str] = {}
    for frame in seen:
        if frame.event == EventType.REMOVE_MESSAGE:
            del states[frame.json["data"]["id"]]
        elif frame.event == EventType.ADD_MESSAGE:
            id, state = frame.json["data"]["id"], frame.json["data"]["properties"]["state"]
            assert state == "complete" or id not in states, f"opened twice: {id}"
            states[id] = state
    assert seen[-1].event != EventType.END or set(states.values()) <= {"complete"}
