"""A source that reads files anew at every call, studies among them."""

from __future__ import annotations

from core.pictures import source
from core.studies.study import Study


class Files(source.Files):
    """Reads anew at every call."""

    def study(self, name: str, findings: tuple[str, ...] = ()) -> Study:
        return Study.load(name).asked_for(findings)
