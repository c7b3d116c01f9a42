"""One task page -> one bound task: samples, prompts, requests with their keys, scorers."""

from harness.catalog.binder import Binder, Task

__all__ = ["Binder", "Task"]
