"""The zygote of the `bwrap` sandbox: bubblewrap isolates the zygote, the zygote creates a sandbox for each program.

For systems that allow namespaces only to a few programs, such as bubblewrap. Guaranteed and not guaranteed: as
`namespaces`, but zygote and program have the same user id and differ only in their privileges.
"""

from __future__ import annotations

from harness.execution.inside import zygote
from harness.execution.inside.namespaces import Namespaces

TYPE_CHECKING = False
if TYPE_CHECKING:
    from harness.execution.inside.messages import ZygoteConfig


def main() -> None:
    """Serve the host at stdin and stdout."""
    zygote.serve(Bubblewrap())


class Bubblewrap(Namespaces):
    """Sandboxes inside the namespaces of bubblewrap."""

    def __init__(self) -> None:
        """One user, which bubblewrap maps to user id 0."""
        super().__init__()
        self._two_users, self._user, self.overhead_processes = False, 0, 3

    def isolate(self, config: ZygoteConfig) -> None:
        """Only drop rights: bubblewrap's command line has mounted what programs may read."""
        self._set_paths(config)
        self._drop_rights()
