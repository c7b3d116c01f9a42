"""Which shared prefix nodes are in the KV cache. No torch.

Guarantee: a node is stored until the last group below it has finished.
"""

from __future__ import annotations

from harness.engines.local.prefix_tree import PrefixNode, SequenceGroup


class StoredPrefixes:
    """The `nodes` whose keys and values are stored, or are computed in the planned batch."""

    def __init__(self) -> None:
        """None is stored."""
        self.nodes: set[PrefixNode] = set()
        self._freed: list[PrefixNode] = []

    def take_freed(self) -> list[PrefixNode]:
        """Nodes that no group needs any more, since the last call."""
        freed, self._freed = self._freed, []
        return freed

    def clear(self) -> None:
        """Forget what is stored: it is computed again."""
        for node in self.nodes:
            node.planned = 0
        self.nodes, self._freed = set(), []

    def deepest(self, group: SequenceGroup) -> PrefixNode | None:
        """The longest stored prefix of a group's prompt, which leaves it at least its last token."""
        own = group.prompt[:-1]
        fits = [
            node
            for node in self.nodes
            if node.end <= len(own) and all(own[one.start : one.end] == one.ids for one in node.chain())
        ]
        return max(fits, key=lambda node: node.end, default=None)

    def release(self, group: SequenceGroup) -> None:
        """A group has finished: charge it with its share of its nodes, and free those that it was the last user of."""
        for node in group.prefix.chain() if group.prefix else []:
            # The first user to finish counts as the one that the node was computed for
            group.cached += len(node.ids) if node.claimed else 0
            node.claimed = True
            group.seconds += node.seconds / node.users
            node.waiting -= 1
            if not node.waiting and node in self.nodes:
                self.nodes.remove(node)
                self._freed.append(node)
