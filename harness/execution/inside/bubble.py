"""The zygote of the `bwrap` sandbox: bubblewrap has made the outer world, this makes one for each program.

For systems that let no program but a few (bubblewrap among them) make namespaces. Guaranteed and not guaranteed: as
`namespaces`, but zygote and program are one user, told apart by privileges alone.
"""

from __future__ import annotations

from harness.execution.inside import zygote
from harness.execution.inside.namespaces import Namespaces

TYPE_CHECKING = False
if TYPE_CHECKING:
    from harness.execution.inside.order import Hello


def main() -> None:
    """Serve the host at stdin and stdout."""
    zygote.serve(Bubble())


class Bubble(Namespaces):
    """A world within bubblewrap's."""

    def __init__(self) -> None:
        """One user, whom bubblewrap calls 0."""
        super().__init__()
        self._two_users, self._user, self.own_processes = False, 0, 3

    def enter(self, hello: Hello) -> None:
        """Everything outer is done; what programs may read was bound by bubblewrap's own command line."""
        self._arrange(hello)
        self._give_up()
