"""Several wheels as one release: what of each matters beside the others, and what the previous release served."""

from __future__ import annotations

from auditor.release.files import split_paths
from auditor.release.grouping import group
from auditor.release.previous import read_previous
from auditor.release.summary import summarise, summary_of_name

__all__ = ["group", "read_previous", "split_paths", "summarise", "summary_of_name"]
