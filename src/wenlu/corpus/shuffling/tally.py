"""What has come by on the way in and on the way out, which must be the same."""

from threading import Lock

from wenlu.errors import RunError


class Tally:
    """What has come by: records, bytes, the sums of fingerprints and contents."""

    def __init__(self) -> None:
        self.records = self.bytes = self.fingerprint = self.content = 0
        self._lock = Lock()

    def add(self, records: int, size: int, sum_: int) -> None:
        """Know of some records."""
        with self._lock:
            self.records += records
            self.bytes += size
            self.fingerprint = (self.fingerprint + sum_) % 2**64

    def add_content(self, sum_: int) -> None:
        """Know of the contents of some records."""
        with self._lock:
            self.content = (self.content + sum_) % 2**64

    def state(self) -> list[int]:
        """All of it."""
        return [self.records, self.bytes, self.fingerprint, self.content]

    def restore(self, state: list[int]) -> None:
        """Go on from there."""
        self.records, self.bytes, self.fingerprint, self.content = state

    def check(self, written: "Tally") -> None:
        """What was written must be what was read."""
        for what in ("records", "bytes", "fingerprint", "content"):
            if getattr(self, what) != getattr(written, what):
                raise RunError(
                    f"{getattr(self, what):,} {what} were read, but {getattr(written, what):,} "
                    "written: the memory or the disk of the temporary files is at fault, or the "
                    "program is. The output was not kept."
                )
